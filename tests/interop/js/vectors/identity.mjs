// TOC-1, sections 2 to 6: words, keys, addresses, cards and safety numbers.

import { createHash } from 'node:crypto'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import {
  H, KDF, ascii, attempt, base32Decode, base32Encode, demand, equal, hex, hourOf, join, nid16, raw, u32
} from './conventions.mjs'
import { home } from './topics.mjs'

export function keys ({ seed, rotation }) {
  const signingSeed = KDF(raw(seed), 'tcn1/seed', ascii('ik'), 32)
  const contactSecret = KDF(raw(seed), 'tcn1/seed', join(ascii('kk'), u32(rotation)), 32)
  const identityKey = ed25519.getPublicKey(signingSeed)
  return {
    signing_seed: hex(signingSeed),
    identity_key: hex(identityKey),
    contact_secret: hex(contactSecret),
    contact_key: hex(x25519.getPublicKey(contactSecret)),
    home: home(identityKey)
  }
}

export const sign = (statement, signingSeed) => Buffer.from(ed25519.sign(statement, raw(signingSeed)))

export function words ({ words }) {
  const seed = attempt(() => mnemonicToEntropy(words, wordlist), 'uri')
  demand(seed.length === 32, 'uri')
  return { seed: hex(seed) }
}

export function address ({ text }, network) {
  const scheme = 'tocsin:id/'
  demand(/^tocsin:id\/$/i.test(text.slice(0, scheme.length)) && /^[\x20-\x7e]*$/.test(text), 'uri')
  const bytes = base32Decode(text.slice(scheme.length), 70)
  const prefix = bytes.subarray(0, 66)
  const check = H('tcn1/addr', join(nid16(network), prefix), 16).subarray(0, 4)
  demand(equal(check, bytes.subarray(66)), 'uri')
  const [version, flags] = prefix
  demand(version === 1 && flags < 16, 'uri')
  return {
    nid16: hex(nid16(network)),
    prefix: hex(prefix),
    check: hex(check),
    version,
    flags,
    identity_key: hex(prefix.subarray(2, 34)),
    contact_key: hex(prefix.subarray(34)),
    knock_policy: flags & 7,
    pin_required: (flags & 8) !== 0,
    text: scheme + base32Encode(bytes)
  }
}

// Without the cofactor, and without points of small order: more than the library's own `verify` asks for.
function verify (signature, statement, identityKey) {
  const { Point } = ed25519
  const [R, S] = [signature.subarray(0, 32), signature.subarray(32)]
  const number = bytes => BigInt('0x' + hex(Buffer.from(bytes).reverse()))
  const key = Point.fromBytes(identityKey)
  const hash = createHash('sha512').update(join(R, identityKey, statement)).digest()
  if (number(S) >= Point.Fn.ORDER || key.isSmallOrder()) return false
  const found = Point.BASE.multiplyUnsafe(number(S)).subtract(key.multiplyUnsafe(Point.Fn.create(number(hash))))
  return !found.isSmallOrder() && equal(found.toBytes(), R)
}

export function card (given, _network, now) {
  const sizes = [['contact_key', 32], ['identity_key', 32], ['signature', 64]]
  demand(sizes.every(([name, size]) => raw(given[name]).length === size), 'card')
  demand(Math.max(given.rotation, given.not_before_hour) <= 0xffffffff, 'card')
  demand(given.not_before_hour <= hourOf(now) + 1, 'card')
  const statement = join(
    ascii('tcn1/card'), raw(given.contact_key), u32(given.rotation), u32(given.not_before_hour))
  const [signature, identityKey] = [raw(given.signature), raw(given.identity_key)]
  demand(attempt(() => verify(signature, statement, identityKey), 'card'), 'card')
  const seen = given.highest_seen
  demand(!seen || given.rotation > seen.rotation ||
    (given.rotation === seen.rotation && given.contact_key === seen.contact_key), 'card')
  return { statement: hex(statement) }
}

export function safetyNumber ({ a, b }) {
  const half = key => {
    const digest = H('tcn1/fpr', raw(key), 64)
    return [0, 5, 10, 15, 20, 25].map(at => String(digest.readUIntBE(at, 5) % 100000).padStart(5, '0')).join(' ')
  }
  return { half_of_a: half(a), half_of_b: half(b), number: [half(a), half(b)].sort().join(' ') }
}
