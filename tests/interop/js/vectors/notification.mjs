// TOC-6: the core fields of a notification.

import { cborDecode, demand, hex, told } from './conventions.mjs'

const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

const isUint = (value, max) => typeof value === 'bigint' && value >= 0n && value <= max
const uint = max => value => isUint(value, max) ? Number(value) : undefined
const id = value => Buffer.isBuffer(value) && value.length === 16 ? hex(value) : undefined
const map = value => value?.pairs ? told(value) : undefined
const text = max => value =>
  typeof value === 'string' && Buffer.byteLength(value) <= max ? value.replace(UNSAFE, '') : undefined

const FIELDS = [
  [0n, 'kind', uint((1n << 64n) - 1n)], [1n, 'ts_ms', uint((1n << 64n) - 1n)], [2n, 'ttl_s', uint(604800n)],
  [3n, 'app', text(100)], [6n, 'title', text(256)], [7n, 'subtitle', text(256)], [8n, 'body', text(2048)],
  [15n, 'urgency', uint(3n)], [19n, 'thread', text(64)], [30n, 'first', id], [32n, 'control', map]
]
const VITAL = ['kind', 'first', 'control']

export function notification (payload) {
  demand(payload.length <= 5036, 'length')
  const value = cborDecode(payload)
  demand(value?.pairs, 'payload')
  const sent = new Map(value.pairs.filter(([key]) => typeof key === 'bigint'))
  demand(sent.has(0n), 'payload')
  const fields = {}
  for (const [key, name, read] of FIELDS) {
    if (!sent.has(key)) continue
    const found = read(sent.get(key))
    demand(found !== undefined || !VITAL.includes(name), 'payload')
    if (found !== undefined && found !== '') fields[name] = found
  }
  return { fields }
}
