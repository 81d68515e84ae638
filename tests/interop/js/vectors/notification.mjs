// TOC-6: the core and the further fields of a notification.

import { isDeepStrictEqual } from 'node:util'
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


const bytes = max => value => Buffer.isBuffer(value) && value.length <= max ? hex(value) : undefined
const key32 = value => Buffer.isBuffer(value) && value.length === 32 ? hex(value) : undefined
const flag = value => typeof value === 'boolean' ? value : undefined
const filled = max => value => text(max)(value) || undefined
const themed = value => /[/\\:]/.test(text(64)(value)) ? undefined : text(64)(value)
const uint64 = uint((1n << 64n) - 1n)
const headSize = argument => {
  const fits = [24n, 1n << 8n, 1n << 16n, 1n << 32n].findIndex(limit => BigInt(argument) < limit)
  return 1 + [0, 1, 2, 4, 8].at(fits)
}
const total = items => items.reduce((sum, item) => sum + size(item), 0)
function size (value) {
  if (typeof value === 'bigint') return headSize(value < 0n ? -1n - value : value)
  if (typeof value === 'boolean' || value === null) return 1
  if (Array.isArray(value)) return headSize(value.length) + total(value)
  if (value.pairs) return headSize(value.pairs.length) + total(value.pairs.flat(1))
  return headSize(Buffer.byteLength(value)) + Buffer.byteLength(value)
}

function link (value) {
  const target = text(1024)(value)
  if (!target) return target
  const scheme = /^([a-z][a-z0-9+.-]*):[^\t\n ]*$/i.exec(target)?.[1].toLowerCase()
  return scheme === undefined || scheme === 'file' || scheme === 'javascript' ? undefined : target
}

const several = (item, max) => value => {
  if (!Array.isArray(value) || value.length > max) return undefined
  const items = value.map(item)
  return items.includes(undefined) ? undefined : items
}

// A member without a third item is required, one with undefined there has no default.
const inner = (...members) => value => {
  if (!value?.pairs) return undefined
  const sent = new Map(value.pairs)
  const found = {}
  for (const [key, [name, read, ...fallback]] of members.entries()) {
    const has = sent.has(BigInt(key))
    if (!has && fallback.length === 0) return undefined
    if (!has) continue
    const member = read(sent.get(BigInt(key)))
    if (member === undefined) return undefined
    if (fallback.length === 0 || !isDeepStrictEqual(member, fallback[0])) found[name] = member
  }
  return found
}

const blob = inner(
  ['hash', key32], ['key', key32], ['size', uint64], ['mime', text(128), ''], ['name', text(128), ''],
  ['width', uint64, undefined], ['height', uint64, undefined], ['thumb', bytes(1024), '']
)
const action = inner(
  ['id', filled(32)], ['label', filled(64)], ['type', uint(4n)], ['url', link, ''], ['placeholder', text(64), ''],
  ['destructive', flag, false], ['auth_required', flag, false], ['clear', flag, false]
)
const conversation = inner(['id', filled(512)], ['name', text(512), ''], ['group', flag, false])
const badge = inner(['op', uint(2n)], ['n', uint64, 0])
const activity = inner(
  ['progress', uint(1000n), undefined], ['stale_at_ms', uint64, undefined],
  ['dismiss_at_ms', uint64, undefined], ['ongoing', flag, false]
)
const loc = inner(['key', filled(64)], ['args', several(text(256), 8), []])

const FURTHER = [
  [4n, 'channel', text(64), ''], [5n, 'category', text(64), ''], [9n, 'body_format', uint(1n), 0],
  [10n, 'icon', value => typeof value === 'string' ? themed(value) : blob(value), ''],
  [11n, 'media', several(blob, 4), []], [12n, 'actions', several(action, 3), []], [13n, 'link', link, ''],
  [14n, 'data', value => value?.pairs && size(value) <= 2048 ? told(value) : undefined],
  [16n, 'interruption', uint(4n), 2], [17n, 'collapse', text(32), ''], [18n, 'rev', uint64, 0],
  [20n, 'conversation', value => size(value) <= 512 ? conversation(value) : undefined], [21n, 'badge', badge],
  [22n, 'sound', value => typeof value === 'string' ? themed(value) : undefined, ''], [23n, 'visibility', uint(2n)],
  [24n, 'activity', activity], [25n, 'tags', several(text(32), 8), []], [26n, 'want', several(uint(2n), 3), []],
  [27n, 'hist', flag, true], [28n, 'not_before_ms', uint64], [29n, 'loc', loc], [31n, 'of', id]
]

function fieldsOf (payload) {
  demand(payload.length <= 5036, 'length')
  const value = cborDecode(payload)
  demand(value?.pairs, 'payload')
  const sent = new Map(value.pairs.filter(([key]) => typeof key === 'bigint'))
  demand(sent.has(0n), 'payload')
  return sent
}

export function notification (payload) {
  const sent = fieldsOf(payload)
  const fields = {}
  for (const [key, name, read] of FIELDS) {
    if (!sent.has(key)) continue
    const found = read(sent.get(key))
    demand(found !== undefined || !VITAL.includes(name), 'payload')
    if (found !== undefined && found !== '') fields[name] = found
  }
  return { fields }
}

export function further (payload) {
  const { kind } = notification(payload).fields
  const sent = fieldsOf(payload)
  const fields = {}
  for (const [key, name, read, fallback] of FURTHER) {
    if (!sent.has(key) || (name === 'of' && kind !== 4 && kind !== 5)) continue
    const found = read(sent.get(key))
    if (found !== undefined && !isDeepStrictEqual(found, fallback)) fields[name] = found
  }
  return { further: fields }
}
