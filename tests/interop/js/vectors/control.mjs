// TOC-4, sections 5 and 6, and TOC-5, section 8: control maps, renewals, grants.

import { cborDecode, demand, hex, hourOf, raw } from './conventions.mjs'
import { card } from './identity.mjs'
import { dh, publicOf } from './noise.mjs'
import { digest, generationNext, transcript } from './wheel.mjs'

const U32 = 0xffffffffn
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
export const strip = text => text.replace(new RegExp(UNSAFE, 'g'), '')

export function readMap (value) {
  demand(Array.isArray(value?.pairs), 'payload')
  return new Map(value.pairs)
}
export function uint (map, key, max = U32) {
  const value = map.get(key)
  demand(typeof value === 'bigint' && value >= 0n && value <= max, 'payload')
  return value
}
export function bytes (map, key, size) {
  const value = map.get(key)
  demand(Buffer.isBuffer(value) && (size === undefined || value.length === size), 'payload')
  return value
}

export function readGrant (value, size, sizeMax) {
  const map = readMap(value)
  demand(size <= sizeMax, 'payload')
  const number = (key, max) => map.has(key) ? uint(map, key, max) : null
  const small = key => map.has(key) ? Number(uint(map, key)) : null
  const kinds = number(0n, (1n << 64n) - 1n)
  const apps = map.has(3n) ? map.get(3n) : null
  const isApp = app => typeof app === 'string' && app !== '' && Buffer.byteLength(app) <= 100 && !UNSAFE.test(app)
  demand(apps === null || (Array.isArray(apps) && apps.every(isApp)), 'payload')
  return { kinds: kinds === null ? null : String(kinds), per_day: small(1n), expires_hour: small(2n), apps }
}

// One value has one encoding, so the size of a part is the size of what it encodes to.
export function sizeOf (value) {
  const head = number => number < 24n ? 1 : number < 256n ? 2 : number < 65536n ? 3 : number <= U32 ? 5 : 9
  const sum = items => items.reduce((total, item) => total + sizeOf(item), 0)
  if (typeof value === 'bigint') return head(value < 0n ? -1n - value : value)
  if (typeof value === 'string') return sizeOf(Buffer.from(value))
  if (Buffer.isBuffer(value)) return head(BigInt(value.length)) + value.length
  if (Array.isArray(value)) return head(BigInt(value.length)) + sum(value)
  if (value?.pairs) return head(BigInt(value.pairs.length)) + sum(value.pairs.flat())
  return 1
}

function readControl (value) {
  const map = readMap(value)
  const op = uint(map, 0n)
  if (op === 0n) return { op: 'offer', generation: Number(uint(map, 1n)), ephemeral: bytes(map, 2n, 32) }
  if (op === 1n) {
    return {
      op: 'accept',
      generation: Number(uint(map, 1n)),
      ephemeral: bytes(map, 2n, 32),
      epoch: Number(uint(map, 3n)),
      offer_digest: bytes(map, 4n, 32)
    }
  }
  if (op === 2n) return { op: 'confirm', generation: Number(uint(map, 1n)) }
  if (op === 3n) return { op: 'grant', grant: readGrant(map.get(1n), sizeOf(map.get(1n)), 2048) }
  demand(op === 4n, 'payload')
  return {
    op: 'card',
    contact_key: bytes(map, 1n, 32),
    rotation: Number(uint(map, 2n)),
    not_before_hour: Number(uint(map, 3n)),
    signature: bytes(map, 4n, 64)
  }
}

const shown = fields => Object.fromEntries(
  Object.entries(fields).map(([name, value]) => [name, Buffer.isBuffer(value) ? hex(value) : value]))

function control (given, network, now) {
  const payload = raw(given.payload)
  const inner = readMap(cborDecode(payload)).get(32n)
  const { signature, ...read } = readControl(inner)
  if (read.op === 'offer' || read.op === 'accept') {
    // A payload ends with its greatest key, which is 32 here: the rest of it is the map.
    read.digest = digest(payload.subarray(payload.length - sizeOf(inner)))
  }
  demand(read.op !== 'confirm' || read.generation === given.generation, 'payload')
  if (read.op !== 'card') return shown(read)
  const about = { ...shown(read), signature: hex(signature), identity_key: given.identity_key }
  return { ...shown(read), ...card({ ...about, highest_seen: given.highest_seen }, network, now) }
}

const compare = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]

function entered (given, number, secret, ephemeral, offer, accept, epoch) {
  const shared = dh(secret, ephemeral, 'payload')
  const th = transcript(offer, accept)
  const [m, wheelKey] = generationNext(raw(given.m), number, shared, th)
  return { shared: hex(shared), th: hex(th), m: hex(m), wheel_key: hex(wheelKey), epoch }
}

function acceptBytes (number, ephemeral, epoch, offer) {
  const head = number => number < 24 ? [number] : number < 256 ? [24, number] : [25, number >> 8, number & 255]
  return Buffer.concat([
    Buffer.from([0xa5, 0, 1, 1, ...head(number), 2, 0x58, 32]), ephemeral,
    Buffer.from([3, ...head(epoch), 4, 0x58, 32]), digest(offer)
  ])
}

function answerOffer (given, _network, now) {
  const offer = raw(given.offer)
  const read = readControl(cborDecode(offer))
  demand(given.witnessed && read.op === 'offer' && read.generation === given.generation + 1, 'payload')
  demand(given.entered !== 'began', 'payload')
  const before = given.accepted
  const again = before !== null && before.offer_digest === hex(digest(offer))
  demand(before === null || again || compare(given.position, before.position) > 0, 'payload')
  if (given.own_offer !== null && Buffer.compare(raw(given.own), raw(given.other)) < 0) {
    return { expect: 'payload', repeats: now - given.own_offer.sent >= 600, own_offer: given.own_offer.offer }
  }
  if (again) return { accept: before.accept, own_offer: null }
  const epoch = Math.floor(hourOf(now) / 24)
  const accept = acceptBytes(read.generation, publicOf(raw(given.secret)), epoch, offer)
  const made = entered(given, read.generation, raw(given.secret), read.ephemeral, offer, accept, epoch)
  return { accept: hex(accept), own_offer: null, ...made }
}

function readAccept (given, _network, now) {
  const [offer, accept] = [raw(given.offer), raw(given.accept)]
  const read = readControl(cborDecode(accept))
  demand(given.witnessed && read.op === 'accept' && read.generation === given.generation + 1, 'payload')
  demand(hex(read.offer_digest) === hex(digest(offer)), 'payload')
  const late = read.epoch - Math.floor(hourOf(now) / 24)
  demand(late >= -7 && late <= 1, 'payload')
  return entered(given, read.generation, raw(given.secret), read.ephemeral, offer, accept, read.epoch)
}

function covers ({ grant, kind, app }, _network, now) {
  const value = cborDecode(raw(grant))
  const { kinds, apps, expires_hour: last } = readGrant(value, 0, 2048)
  demand(last === null || hourOf(now) <= last, 'hour')
  const kindFits = kinds === null || (BigInt(kinds) >> BigInt(kind) & 1n) === 1n
  demand(kind === 7 || (kindFits && (apps === null || apps.includes(app))), 'kind')
  return { covered: true }
}

export const controlOperations = {
  control,
  'answer-offer': answerOffer,
  'read-accept': readAccept,
  grant: ({ grant, size_max: max }) => readGrant(cborDecode(raw(grant)), raw(grant).length, max),
  covers
}
