// The message id of a Tocsin envelope, from its topic and bytes alone. It checks no stamp.

import { blake2b } from '@noble/hashes/blake2.js'

const NONCE_SIZE = 8

function hash (label, data, dkLen, key) {
  const personalization = Buffer.alloc(16)
  personalization.write(label, 'ascii')
  return blake2b(data, { dkLen, key, personalization })
}

export function mid (topic, envelope) {
  const network = topic.split('/')[3]
  const nid16 = hash('tcn1/net', Buffer.from(network, 'ascii'), 16)
  const name = Buffer.from(topic, 'utf8')
  const body = envelope.subarray(0, -NONCE_SIZE)
  const nonce = envelope.subarray(-NONCE_SIZE)
  const pre = hash('tcn1/pre', Buffer.concat([Buffer.from([name.length]), name, body]), 32, nid16)
  return hash('tcn1/mid', Buffer.concat([pre, nonce]), 32)
}
