// TOC-5, section 1: the handshake, written and read.

import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { hmac } from '@noble/hashes/hmac.js'
import { ascii, attempt, demand, hex, join, raw } from './conventions.mjs'

const NAME = join(ascii('Noise_IKpsk0_25519_ChaChaPoly_BLAKE2b'), Buffer.alloc(27))
const NONCE = Buffer.alloc(12)

export const dh = (secret, key, layer = 'noise') =>
  Buffer.from(attempt(() => x25519.getSharedSecret(secret, key), layer))
export const publicOf = secret => Buffer.from(x25519.getPublicKey(secret))

function hkdf (ck, material, count) {
  const temporary = hmac(blake2b, ck, material)
  const outputs = []
  for (let n = 1; n <= count; n++) {
    outputs.push(Buffer.from(hmac(blake2b, temporary, join(outputs.at(-1) ?? Buffer.alloc(0), Buffer.from([n])))))
  }
  return outputs
}

class Symmetric {
  constructor (ck, h) { this.ck = ck; this.h = h }
  mixHash (data) { this.h = Buffer.from(blake2b(join(this.h, data))) }
  mixKey (material) {
    const [ck, k] = hkdf(this.ck, material, 2)
    this.ck = ck
    this.k = k.subarray(0, 32)
  }
  mixKeyAndHash (material) {
    const [ck, mixed, k] = hkdf(this.ck, material, 3)
    this.ck = ck
    this.mixHash(mixed)
    this.k = k.subarray(0, 32)
  }
  mixEphemeral (key) { this.mixHash(key); this.mixKey(key) }
  seal (plain) {
    const sealed = Buffer.from(chacha20poly1305(this.k, NONCE, this.h).encrypt(plain))
    this.mixHash(sealed)
    return sealed
  }
  open (sealed) {
    const plain = attempt(() => chacha20poly1305(this.k, NONCE, this.h).decrypt(sealed), 'noise')
    this.mixHash(sealed)
    return Buffer.from(plain)
  }
  split () {
    const [k1, k2] = hkdf(this.ck, Buffer.alloc(0), 2)
    return { k1: k1.subarray(0, 32), k2: k2.subarray(0, 32), handshakeHash: this.h }
  }
}

function start (prologue, responder, psk, ephemeral) {
  const state = new Symmetric(NAME, NAME)
  state.mixHash(prologue)
  state.mixHash(responder)
  state.mixKeyAndHash(psk)
  state.mixEphemeral(ephemeral)
  return state
}

export function writeFirst ({ prologue, responder, psk, secret, ephemeralSecret, payload }) {
  const ephemeral = publicOf(ephemeralSecret)
  const state = start(prologue, responder, psk, ephemeral)
  const es = dh(ephemeralSecret, responder)
  state.mixKey(es)
  const sealedStatic = state.seal(publicOf(secret))
  const staticHash = state.h
  const ss = dh(secret, responder)
  state.mixKey(ss)
  const message = join(ephemeral, sealedStatic, state.seal(payload))
  return { message, ephemeral, es, staticHash, ss, ck: state.ck, h: state.h }
}

// In two halves, since a reader of knocks looks at more than one key of its own before it goes on.
export function readStatic ({ prologue, psk, secret, message }) {
  demand(message.length >= 96, 'noise')
  const ephemeral = message.subarray(0, 32)
  const state = start(prologue, publicOf(secret), psk, ephemeral)
  state.mixKey(dh(secret, ephemeral))
  return { state, ephemeral, initiator: state.open(message.subarray(32, 80)), staticHash: state.h }
}

export function readFirst (given) {
  const { state, ephemeral, initiator, staticHash } = readStatic(given)
  state.mixKey(dh(given.secret, initiator))
  const payload = state.open(given.message.subarray(80))
  return { ephemeral, initiator, staticHash, payload, ck: state.ck, h: state.h }
}

export function writeSecond ({ ck, h, initiatorEphemeral, initiator, ephemeralSecret, payload }) {
  const state = new Symmetric(ck, h)
  const ephemeral = publicOf(ephemeralSecret)
  state.mixEphemeral(ephemeral)
  const ee = dh(ephemeralSecret, initiatorEphemeral)
  state.mixKey(ee)
  const se = dh(ephemeralSecret, initiator)
  state.mixKey(se)
  const message = join(ephemeral, state.seal(payload))
  return { message, ephemeral, ee, se, ...state.split() }
}

export function readSecond ({ ck, h, ephemeralSecret, secret, message }) {
  demand(message.length >= 48, 'noise')
  const state = new Symmetric(ck, h)
  const ephemeral = message.subarray(0, 32)
  state.mixEphemeral(ephemeral)
  state.mixKey(dh(ephemeralSecret, ephemeral))
  state.mixKey(dh(secret, ephemeral))
  const payload = state.open(message.subarray(32))
  return { payload, ...state.split() }
}

const states = given => ({ ck: raw(given.chaining_key), h: raw(given.handshake_hash) })
const keys = ({ k1, k2, handshakeHash }) => ({ k1: hex(k1), k2: hex(k2), handshake_hash: hex(handshakeHash) })

export const noiseOperations = {
  'write-first': given => {
    const { message, ephemeral, es, staticHash, ss, ck, h } = writeFirst({
      prologue: raw(given.prologue),
      responder: raw(given.responder_static),
      psk: raw(given.psk),
      secret: raw(given.static_secret),
      ephemeralSecret: raw(given.ephemeral_secret),
      payload: raw(given.payload)
    })
    return {
      ephemeral: hex(ephemeral),
      es: hex(es),
      static_hash: hex(staticHash),
      ss: hex(ss),
      message: hex(message),
      chaining_key: hex(ck),
      handshake_hash: hex(h)
    }
  },
  'read-first': given => {
    const { ephemeral, initiator, staticHash, payload, ck, h } = readFirst({
      prologue: raw(given.prologue),
      psk: raw(given.psk),
      secret: raw(given.static_secret),
      message: raw(given.message)
    })
    return {
      initiator_ephemeral: hex(ephemeral),
      initiator_static: hex(initiator),
      static_hash: hex(staticHash),
      payload: hex(payload),
      chaining_key: hex(ck),
      handshake_hash: hex(h)
    }
  },
  'write-second': given => {
    const written = writeSecond({
      ...states(given),
      initiatorEphemeral: raw(given.initiator_ephemeral),
      initiator: raw(given.initiator_static),
      ephemeralSecret: raw(given.ephemeral_secret),
      payload: raw(given.payload)
    })
    const { message, ephemeral, ee, se } = written
    return { ephemeral: hex(ephemeral), ee: hex(ee), se: hex(se), message: hex(message), ...keys(written) }
  },
  'read-second': given => {
    const read = readSecond({
      ...states(given),
      ephemeralSecret: raw(given.ephemeral_secret),
      secret: raw(given.static_secret),
      message: raw(given.message)
    })
    return { payload: hex(read.payload), ...keys(read) }
  }
}
