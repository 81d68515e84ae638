// TOC-1, section 1: hashes, hours, deterministic CBOR, base32, and refusals that name a layer.

import { blake2b } from '@noble/hashes/blake2.js'

export class Refused extends Error {
  constructor (layer) { super(layer); this.layer = layer }
}
export const demand = (condition, layer) => { if (!condition) throw new Refused(layer) }
export const attempt = (action, layer) => { try { return action() } catch { throw new Refused(layer) } }

export const raw = hex => Buffer.from(hex, 'hex')
export const hex = bytes => Buffer.from(bytes).toString('hex')
export const ascii = text => Buffer.from(text, 'latin1')
export const join = (...parts) => Buffer.concat(parts)
export const u32 = number => { const out = Buffer.alloc(4); out.writeUInt32BE(number); return out }
export const equal = (a, b) => Buffer.compare(a, b) === 0

export function H (label, data, size, key = Buffer.alloc(0)) {
  const personalization = join(ascii(label), Buffer.alloc(16 - label.length))
  return Buffer.from(blake2b(data, { dkLen: size, personalization, key: key.length ? key : undefined }))
}
export const KDF = (key, label, data, size) => H(label, data, size, key)
export const nid16 = network => H('tcn1/net', ascii(network.name), 16)
export const hourOf = now => Math.floor(now / 3600)

export function cborDecode (data) {
  let at = 0
  const take = size => {
    demand(size <= data.length - at, 'cbor')
    at += Number(size)
    return data.subarray(at - Number(size), at)
  }
  const argument = info => {
    if (info < 24) return BigInt(info)
    demand(info < 28, 'cbor')
    const value = BigInt('0x' + hex(take(1 << (info - 24))))
    demand(value >= [24n, 1n << 8n, 1n << 16n, 1n << 32n][info - 24], 'cbor')
    return value
  }
  const item = depth => {
    const first = take(1)[0]
    const [major, info] = [first >> 5, first & 31]
    if (major === 7) {
      demand(info >= 20 && info <= 22, 'cbor')
      return [false, true, null][info - 20]
    }
    const count = argument(info)
    if (major === 0) return count
    if (major === 1) return -1n - count
    if (major === 2) return take(count)
    if (major === 3) {
      const bytes = take(count)
      return attempt(() => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), 'cbor')
    }
    demand(major !== 6 && depth < 8, 'cbor')
    const items = []
    if (major === 4) {
      for (let n = 0n; n < count; n++) items.push(item(depth + 1))
      return items
    }
    let before = Buffer.alloc(0)
    for (let n = 0n; n < count; n++) {
      const start = at
      const key = item(depth + 1)
      demand(typeof key === 'bigint' || typeof key === 'string' || Buffer.isBuffer(key), 'cbor')
      const encoded = data.subarray(start, at)
      demand(Buffer.compare(before, encoded) < 0, 'cbor')
      before = encoded
      items.push([key, item(depth + 1)])
    }
    return { pairs: items }
  }
  const value = item(0)
  demand(at === data.length, 'cbor')
  return value
}

export function told (value) {
  if (typeof value === 'bigint') return { int: String(value) }
  if (typeof value === 'string') return { text: value }
  if (Buffer.isBuffer(value)) return { bytes: hex(value) }
  if (Array.isArray(value)) return value.map(told)
  if (value?.pairs) return { map: value.pairs.map(pair => pair.map(told)) }
  return value
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

export function base32Decode (text, size) {
  const length = Math.ceil(8 * size / 5)
  demand(text.length === length && /^[A-Za-z2-7]*$/.test(text), 'uri')
  let bits = 0n
  for (const letter of text.toLowerCase()) bits = bits << 5n | BigInt(LETTERS.indexOf(letter))
  const spare = BigInt(5 * length - 8 * size)
  demand((bits & ((1n << spare) - 1n)) === 0n, 'uri')
  return raw((bits >> spare).toString(16).padStart(2 * size, '0'))
}

export function base32Encode (bytes) {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  return bits.match(/.{1,5}/g).map(five => LETTERS[parseInt(five.padEnd(5, '0'), 2)]).join('')
}
