// TOC-3: envelopes, their seals, ids and stamps, and the check of a relay.

import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { H, Refused, ascii, attempt, demand, hex, hourOf, join, nid16, raw, u32 } from './conventions.mjs'
import { readTopic } from './topics.mjs'

const SIZES = [512, 1024, 2048, 5120]
const CONSTANTS = [[0, 'a6000101'], [5, '021a'], [11, '0350'], [29, '0459'], [-10, '0548']]

function checkForm (data) {
  demand(SIZES.includes(data.length), 'length')
  for (const [at, bytes] of CONSTANTS) {
    const start = at < 0 ? data.length + at : at
    demand(hex(data.subarray(start, start + bytes.length / 2)) === bytes, 'constant')
  }
  demand(data.readUInt16BE(31) === data.length - 43, 'length')
}

const isKnock = kind => kind >= 5 && kind < 10
const kindAllowed = (kind, size) => kind < 15 && (!isKnock(kind) || (kind === 8 && size === 512))

export function parse (data) {
  checkForm(data)
  demand(kindAllowed(data[4], data.length), 'kind')
  const [tag, body] = [data.subarray(13, 29), data.subarray(33, -10)]
  return { kind: data[4], born_hour: data.readUInt32BE(7), tag, body, stamp_nonce: data.subarray(-8) }
}

export function open (network, key, data) {
  const { body } = parse(data)
  const cipher = xchacha20poly1305(key, body.subarray(0, 24), join(nid16(network), data.subarray(0, 29)))
  const padded = Buffer.from(attempt(() => cipher.decrypt(body.subarray(24)), 'aead'))
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  demand(end >= 0 && padded[end] === 0x80, 'padding')
  return padded.subarray(0, end)
}

export function seal (given, network) {
  const payload = raw(given.payload)
  const size = SIZES.find(size => payload.length <= size - 84)
  const padded = join(payload, raw('80'), Buffer.alloc(size - 84 - payload.length))
  const header = join(
    raw('a6000101'), Buffer.from([given.kind]), raw('021a'), u32(given.born_hour), raw('0350'), raw(given.tag))
  const bound = join(nid16(network), header)
  const sealed = xchacha20poly1305(raw(given.key), raw(given.nonce), bound).encrypt(padded)
  const length = u32(size - 43).subarray(2)
  const body = join(raw(given.nonce), sealed)
  const envelope = join(header, raw('0459'), length, body, raw('0548'), Buffer.alloc(8))
  const shown = { header, bound, padded, body, envelope }
  return { size, ...Object.fromEntries(Object.entries(shown).map(([name, bytes]) => [name, hex(bytes)])) }
}

export function identify (network, topic, data) {
  const prefix = join(Buffer.from([topic.length]), ascii(topic))
  const pre = H('tcn1/pre', join(prefix, data.subarray(0, -8)), 32, nid16(network))
  const mid = H('tcn1/mid', join(pre, data.subarray(-8)), 32)
  return { pre: hex(pre), mid: hex(mid), work: String(mid.readBigUInt64BE()) }
}

export function need (network, kind, size) {
  const cost = isKnock(kind) ? network.knock_cost : network.pair_cost
  return BigInt(cost * (size / 512) * [1, 1, 1, 3, 7][kind % 5])
}

export function paid ({ mid, need, level }) {
  const work = raw(mid).readBigUInt64BE()
  const product = work * BigInt(need) << BigInt(level)
  return { expect: product < 1n << 64n ? 'ok' : 'stamp', work: String(work), product: String(product) }
}

export function relay ({ topic, envelope }, network, now) {
  const data = raw(envelope)
  const judge = (condition, verdict, layer) => {
    if (!condition) throw Object.assign(new Refused(layer), { shown: { verdict } })
  }
  try { checkForm(data) } catch ({ layer }) { judge(false, 'reject', layer) }
  const kind = data[4]
  judge(kind < 15 || kind > 19, 'ignore', 'kind')
  judge(kindAllowed(kind, data.length), 'reject', 'kind')
  let about
  try { about = readTopic(topic) } catch { judge(false, 'reject', 'topic') }
  const ours = about.network_name === network.name && (about.depth ?? network.depth) === network.depth
  judge(ours, 'ignore', 'topic')
  judge(isKnock(kind) === (about.depth === null), 'reject', 'topic')
  judge(Math.abs(data.readUInt32BE(7) - hourOf(now)) <= 1, 'ignore', 'hour')
  const { mid } = identify(network, topic, data)
  const { expect } = paid({ mid, need: need(network, kind, data.length), level: 0 })
  return { expect, verdict: expect === 'ok' ? 'accept' : 'reject', mid }
}

export function arrivals ({ entries, envelopes }, network) {
  const table = new Map()
  for (const entry of entries) if (!table.has(entry.tag)) table.set(entry.tag, entry)
  const outcomes = envelopes.map(raw).map(data => {
    let parsed
    try { parsed = parse(data) } catch ({ layer }) { return layer }
    const { kind, born_hour: hour, tag } = parsed
    const entry = table.get(hex(tag))
    if (kind > 4 || !entry || entry.epoch !== Math.floor(hour / 24)) return 'tag'
    try { open(network, raw(entry.key), data) } catch ({ layer }) { return layer }
    table.delete(hex(tag))
    return 'ok'
  })
  return { expect: outcomes.at(-1), outcomes }
}
