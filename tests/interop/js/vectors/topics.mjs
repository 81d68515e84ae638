// TOC-2: where an identity listens, and the one form of a topic.

import { H, demand } from './conventions.mjs'

export const homeDigest = identityKey => H('tcn1/home', identityKey, 16)
export const home = identityKey => homeDigest(identityKey)[0]
const mask = depth => 0xff << (8 - depth) & 0xff
export const knockTopic = network => `/tocsin/1/${network.name}/k`
export const shardTopic = (network, at) =>
  `/tocsin/1/${network.name}/s/${network.depth}/${(at & mask(network.depth)).toString(16).padStart(2, '0')}`

export function readTopic (topic) {
  const found = /^\/tocsin\/1\/([a-z0-9-]{1,32})\/(?:k|s\/([0-8])\/([0-9a-f]{2}))$/.exec(topic)
  demand(found, 'topic')
  if (found[2] === undefined) return { network_name: found[1], depth: null, bucket: null }
  const [depth, bucket] = [Number(found[2]), parseInt(found[3], 16)]
  demand((bucket & mask(depth)) === bucket, 'topic')
  return { network_name: found[1], depth, bucket }
}
