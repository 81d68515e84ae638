// TOC-5, sections 2 to 4 and 6: invites, message 1, message 2, re-introductions.

import {
  H, KDF, Refused, ascii, base32Decode, base32Encode, cborDecode, demand, equal, hex, hourOf, join, nid16, raw, u32
} from './conventions.mjs'
import { bytes, readGrant, readMap, sizeOf, strip, uint } from './control.mjs'
import { open, parse, seal } from './envelope.mjs'
import { card, keys, sign } from './identity.mjs'
import { readFirst, readSecond, writeFirst, writeSecond } from './noise.mjs'
import { home, shardTopic } from './topics.mjs'
import { direction, firstChain, firstWheel, generation0, step, tagOf } from './wheel.mjs'

export const headerOf = (kind, hour, tag) =>
  join(raw('a6000101'), Buffer.from([kind]), raw('021a'), u32(hour), raw('0350'), tag)
export const prologueOf = (network, header, responder) => join(nid16(network), header, responder)

// Deterministic CBOR of what is written here: maps with small keys, in their order.
function head (major, number) {
  if (number < 24) return Buffer.from([major << 5 | number])
  if (number < 256) return Buffer.from([major << 5 | 24, number])
  if (number < 65536) return Buffer.from([major << 5 | 25, number >> 8, number & 255])
  return join(Buffer.from([major << 5 | 26]), u32(number))
}
function encode (value) {
  if (typeof value === 'number') return head(0, value)
  if (typeof value === 'string') return join(head(3, Buffer.byteLength(value)), Buffer.from(value))
  if (value.encoded) return value.encoded
  return join(head(2, value.length), value)
}
export function encodeMap (fields) {
  const present = Object.entries(fields).filter(([, value]) => ![undefined, null, ''].includes(value))
  const pairs = present.map(([key, value]) => join(head(0, Number(key)), encode(value)))
  return join(head(5, pairs.length), ...pairs)
}

export function person ({ seed, rotation }) {
  const all = keys({ seed, rotation })
  const [ik, kk, secret] = [raw(all.identity_key), raw(all.contact_key), raw(all.contact_secret)]
  return { ik, kk, secret, seed: all.signing_seed }
}

export function helloOf (given) {
  const me = person(given)
  const statement = join(ascii('tcn1/card'), me.kk, u32(given.rotation), u32(given.not_before_hour))
  const grant = given.grant ? { encoded: raw(given.grant) } : null
  const [signature, hour] = [sign(statement, me.seed), given.not_before_hour]
  return { 0: me.ik, 1: signature, 2: given.rotation, 3: hour, 4: given.text, 6: given.depth, 7: grant }
}

export function readHello (map, authenticated, reader, seen, now) {
  const identityKey = bytes(map, 0n)
  const signature = bytes(map, 1n)
  const number = key => {
    demand(typeof map.get(key) === 'bigint', 'payload')
    return map.get(key)
  }
  const [rotation, notBefore] = [number(2n), number(3n)]
  const fits = value => value >= 0n && value <= 0xffffffffn
  demand(identityKey.length === 32 && signature.length === 64 && fits(rotation) && fits(notBefore), 'card')
  card({
    identity_key: hex(identityKey),
    contact_key: hex(authenticated),
    rotation: Number(rotation),
    not_before_hour: Number(notBefore),
    signature: hex(signature),
    highest_seen: seen.find(one => one.identity_key === hex(identityKey))
  }, null, now)
  demand(!equal(identityKey, reader), 'card')
  const text = map.has(4n) ? map.get(4n) : ''
  demand(typeof text === 'string' && Buffer.byteLength(text) <= 140, 'payload')
  return {
    identity_key: hex(identityKey),
    contact_key: hex(authenticated),
    rotation: Number(rotation),
    not_before_hour: Number(notBefore),
    depth: Number(uint(map, 6n, 8n)),
    text: strip(text),
    grant: map.has(7n) ? readGrant(map.get(7n), sizeOf(map.get(7n)), 200) : null
  }
}

function invite ({ text }, network, now) {
  const scheme = 'tocsin:invite/'
  demand(/^tocsin:invite\/$/i.test(text.slice(0, scheme.length)) && /^[\x20-\x7e]*$/.test(text), 'uri')
  const data = base32Decode(text.slice(scheme.length), 107)
  const prefix = data.subarray(0, 103)
  demand(equal(H('tcn1/addr', join(nid16(network), prefix), 16).subarray(0, 4), data.subarray(103)), 'uri')
  const [version, flags] = prefix
  demand(version === 1 && flags === 0 && prefix[66] <= 8, 'uri')
  const last = prefix.readUInt32BE(67)
  demand(hourOf(now) <= last, 'uri')
  const secret = prefix.subarray(71)
  return {
    identity_key: hex(prefix.subarray(2, 34)),
    contact_key: hex(prefix.subarray(34, 66)),
    depth: prefix[66],
    expires_hour: last,
    secret: hex(secret),
    tag: hex(H('tcn1/invtag', join(secret, Buffer.alloc(1)), 16)),
    key: hex(H('tcn1/invkey', secret, 32)),
    psk: hex(H('tcn1/invpsk', secret, 32)),
    text: scheme + base32Encode(data)
  }
}

const wrapped = (network, { tag, key, hour, nonce, payload }) =>
  seal({ kind: 3, born_hour: hour, tag: hex(tag), key: hex(key), nonce, payload: hex(payload) }, network).envelope

function introduce (given, network) {
  const me = person(given)
  const tag = raw(given.door.tag)
  const payload = encodeMap(helloOf(given))
  const prologue = prologueOf(network, headerOf(3, given.born_hour, tag), raw(given.door.responder))
  const first = writeFirst({
    prologue,
    responder: raw(given.contact_key),
    psk: raw(given.door.psk),
    secret: me.secret,
    ephemeralSecret: raw(given.ephemeral),
    payload
  })
  const place = { tag, key: raw(given.door.key), hour: given.born_hour, nonce: given.nonce, payload: first.message }
  return {
    payload: hex(payload),
    prologue: hex(prologue),
    es: hex(first.es),
    static_hash: hex(first.staticHash),
    ss: hex(first.ss),
    message: hex(first.message),
    chaining_key: hex(first.ck),
    handshake_hash: hex(first.h),
    envelope: wrapped(network, place),
    topic: shardTopic(network, home(raw(given.door.responder)))
  }
}

// With the newest of our keys that opens it.
export function withEachKey (given, action) {
  for (const rotation of given.rotations) {
    const me = person({ seed: given.seed, rotation })
    try { return { rotation, me, ...action(me) } } catch (error) {
      if (!(error instanceof Refused)) throw error
    }
  }
  throw new Refused('noise')
}

function readIntroduction (given, network, now) {
  const { door } = given
  const data = raw(given.envelope)
  const { kind, born_hour: hour, tag } = parse(data)
  demand(kind < 5 && hex(tag) === door.tag, 'tag')
  demand(hour >= door.first_hour && hour <= door.last_hour, 'hour')
  const message = open(network, raw(door.key), data)
  const prologue = prologueOf(network, data.subarray(0, 29), raw(door.responder))
  const read = withEachKey(given, ({ secret }) => readFirst({ prologue, psk: raw(door.psk), secret, message }))
  const said = readHello(readMap(cborDecode(read.payload)), read.initiator, read.me.ik, given.seen, now)
  demand(door.initiator === null || door.initiator === said.identity_key, 'card')
  return { ...said, own_rotation: read.rotation, chaining_key: hex(read.ck), handshake_hash: hex(read.h) }
}

function replyEntry (ck, epoch) {
  const both = H('tcn1/reply', join(ck, u32(epoch)), 48)
  return { tag: both.subarray(0, 16), key: both.subarray(16) }
}

const reintroOf = m => KDF(m, 'tcn1/reintro', Buffer.alloc(0), 32)
function sessionOf ({ k1, k2, handshakeHash }) {
  const [m, wheelKey] = generation0(k1, k2, handshakeHash)
  return { m: hex(m), wheel_key: hex(wheelKey), reintro: hex(reintroOf(m)) }
}

function reply (given, network, now) {
  const epoch = Math.floor(hourOf(now) / 24)
  const payload = encodeMap({ ...helloOf(given), 8: epoch })
  const ck = raw(given.chaining_key)
  const second = writeSecond({
    ck,
    h: raw(given.handshake_hash),
    initiatorEphemeral: raw(given.initiator_ephemeral),
    initiator: raw(given.initiator_static),
    ephemeralSecret: raw(given.ephemeral),
    payload
  })
  const { tag, key } = replyEntry(ck, Math.floor(given.born_hour / 24))
  const place = { tag, key, hour: given.born_hour, nonce: given.nonce, payload: second.message }
  return {
    epoch,
    payload: hex(payload),
    ee: hex(second.ee),
    se: hex(second.se),
    message: hex(second.message),
    tag: hex(tag),
    key: hex(key),
    envelope: wrapped(network, place),
    k1: hex(second.k1),
    k2: hex(second.k2),
    handshake_hash: hex(second.handshakeHash),
    ...sessionOf(second)
  }
}

function readReply (given, network, now) {
  const me = person(given)
  const data = raw(given.envelope)
  const { kind, born_hour: hour, tag } = parse(data)
  const ck = raw(given.chaining_key)
  const entry = replyEntry(ck, Math.floor(hour / 24))
  demand(kind < 5 && equal(tag, entry.tag), 'tag')
  const message = open(network, entry.key, data)
  demand(hour <= given.message_1_hour + 720, 'hour')
  const [h, ephemeralSecret] = [raw(given.handshake_hash), raw(given.ephemeral)]
  const read = readSecond({ ck, h, ephemeralSecret, secret: me.secret, message })
  const map = readMap(cborDecode(read.payload))
  const all = readHello(map, raw(given.contact_key), me.ik, given.seen, now)
  const { contact_key: _key, text: _text, ...said } = all
  demand(said.identity_key === given.identity_key, 'card')
  const epoch = map.get(8n)
  demand(typeof epoch === 'bigint', 'payload')
  demand(epoch >= Math.floor(hourOf(now) / 24) - 31 && epoch <= Math.floor(hour / 24), 'payload')
  return { ...said, epoch: Number(epoch), ...sessionOf(read) }
}

function confirm (given, network) {
  const number = direction(raw(given.own), raw(given.other))
  const wheel = firstWheel(raw(given.wheel_key), number, given.epoch)
  const chain = firstChain(wheel, given.epoch, 0x80)
  const key = step(chain)[1]
  const payload = encodeMap({ 0: 7, 32: { encoded: encodeMap({ 0: 2, 1: 0 }) } })
  const place = { tag: tagOf(key), key, hour: given.born_hour, nonce: given.nonce, payload }
  return {
    direction: number,
    wheel: hex(wheel),
    chain: hex(chain),
    message_key: hex(key),
    tag: hex(tagOf(key)),
    payload: hex(payload),
    envelope: wrapped(network, place)
  }
}

function reintroduction (given) {
  const reintro = reintroOf(raw(given.m))
  const number = direction(raw(given.initiator), raw(given.responder))
  const place = join(Buffer.from([number]), u32(given.epoch))
  return {
    reintro: hex(reintro),
    direction: number,
    tag: hex(KDF(reintro, 'tcn1/retag', place, 16)),
    key: hex(KDF(reintro, 'tcn1/rekey', place, 32)),
    psk: hex(KDF(reintro, 'tcn1/repsk', place, 32))
  }
}

export const introductionOperations = {
  invite,
  introduce,
  'read-introduction': readIntroduction,
  reply,
  'read-reply': readReply,
  confirm,
  reintroduction
}
