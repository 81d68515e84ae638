// TOC-5, section 5: knocks, and the checks of whoever is knocked at.

import { argon2id } from '@noble/hashes/argon2.js'
import { H, Refused, ascii, cborDecode, demand, equal, hex, hourOf, join, raw } from './conventions.mjs'
import { bytes, readMap } from './control.mjs'
import { identify, need, paid, parse } from './envelope.mjs'
import { address } from './identity.mjs'
import { encodeMap, headerOf, helloOf, person, prologueOf, readHello, withEachKey } from './introduction.mjs'
import { readFirst, readStatic, writeFirst } from './noise.mjs'
import { knockTopic } from './topics.mjs'

const KNOCK = 8
const PADDED = 373

const pskOf = (ik, kk, pin) => H('tcn1/knockpsk', join(ik, kk, ascii(pin)), 32)
const bodyId = (header, body) => H('tcn1/bodyid', join(header, body), 16)

function measure (staticHash, identityKey, ephemeral, nonce) {
  const salt = H('tcn1/argon', join(identityKey, ephemeral), 16)
  const digest = argon2id(join(nonce, staticHash), salt, { t: 1, m: 8 * 1024, p: 1, dkLen: 16 })
  const bits = BigInt('0x' + hex(digest)).toString(2).padStart(128, '0')
  const one = bits.indexOf('1')
  return { salt: hex(salt), digest: hex(digest), zero_bits: one < 0 ? 128 : one }
}

function pad (payload) {
  return join(payload, raw('80'), Buffer.alloc(PADDED - 1 - payload.length))
}

function unpad (padded) {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  demand(padded.length === PADDED && end >= 0 && padded[end] === 0x80, 'padding')
  return padded.subarray(0, end)
}

function knock (given, network) {
  const me = person(given)
  const to = address({ text: given.address }, network)
  const [ik, kk, tag] = [raw(to.identity_key), raw(to.contact_key), raw(given.tag)]
  const nonce = given.inner_nonce === null ? null : raw(given.inner_nonce)
  const payload = encodeMap({ ...helloOf(given), 5: nonce })
  const header = headerOf(KNOCK, given.born_hour, tag)
  const psk = pskOf(ik, kk, given.pin)
  const first = writeFirst({
    prologue: prologueOf(network, header, ik),
    responder: kk,
    psk,
    secret: me.secret,
    ephemeralSecret: raw(given.ephemeral),
    payload: pad(payload)
  })
  return {
    psk: hex(psk),
    static_hash: hex(first.staticHash),
    payload: hex(payload),
    padded: hex(pad(payload)),
    body_id: hex(bodyId(header, first.message)),
    chaining_key: hex(first.ck),
    handshake_hash: hex(first.h),
    envelope: hex(join(header, raw('045901d5'), first.message, raw('0548'), Buffer.alloc(8)))
  }
}

function openKnock (given, network, now, data, known) {
  demand(given.policy > 0, 'kind')
  const { kind, born_hour: hour, body } = parse(data)
  demand(kind === KNOCK, 'kind')
  const age = hourOf(now) - hour
  demand(age >= -1 && age <= 73, 'hour')
  const { mid } = identify(network, knockTopic(network), data)
  demand(paid({ mid, need: need(network, KNOCK, 512), level: 0 }).expect === 'ok', 'stamp')
  const header = data.subarray(0, 29)
  const name = hex(bodyId(header, body))
  demand(!known.bodies.has(name) && !known.ephemerals.has(hex(body.subarray(0, 32))), 'tag')
  known.bodies.add(name)
  const opening = me => ({
    prologue: prologueOf(network, header, me.ik),
    psk: pskOf(me.ik, me.kk, given.pin),
    secret: me.secret,
    message: body
  })
  const { me, rotation } = withEachKey(given, me => readStatic(opening(me)))
  const read = readFirst(opening(me))
  const map = readMap(cborDecode(unpad(read.payload)))
  const said = readHello(map, read.initiator, me.ik, given.contacts, now)
  const nonce = map.has(5n) ? bytes(map, 5n, 8) : null
  demand(!given.blocked.includes(said.identity_key), 'card')
  const fromContact = given.contacts.some(each => each.identity_key === said.identity_key)
  if (fromContact) said.text = ''
  if (given.policy >= 2) {
    demand(nonce !== null, 'stamp')
    const { zero_bits: bits } = measure(read.staticHash, me.ik, read.ephemeral, nonce)
    demand(bits >= given.policy + 2, 'stamp')
  }
  known.ephemerals.add(hex(read.ephemeral))
  return { ...said, own_rotation: rotation, from_contact: fromContact, body_id: name, mid }
}

function knocks (given, network, now) {
  const known = { bodies: new Set(), ephemerals: new Set() }
  const requests = []
  const outcomes = given.envelopes.map(raw).map(data => {
    try {
      requests.push(openKnock(given, network, now, data, known))
      return 'ok'
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      return error.layer
    }
  })
  return { expect: outcomes.at(-1), outcomes, requests }
}

export const knockOperations = {
  'inner-work': given => measure(
    raw(given.static_hash), raw(given.identity_key), raw(given.ephemeral), raw(given.nonce)),
  knock,
  knocks
}
