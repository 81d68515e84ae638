// TOC-1, section 7: the file of a backup and its content.

import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { argon2id } from '@noble/hashes/argon2.js'
import { readGrant, sizeOf } from './control.mjs'
import { KDF, ascii, attempt, cborDecode, demand, equal, hex, join, raw, told } from './conventions.mjs'
import { keys } from './identity.mjs'

const MODE_AT = 12, SALT_AT = 13, NONCE_AT = 29, SEALED_AT = 53
const U32 = 0xffffffffn

const uint = max => value => typeof value === 'bigint' && value >= 0n && value <= max
const bytes = size => value => Buffer.isBuffer(value) && value.length === size
const text = max => value => typeof value === 'string' && Buffer.byteLength(value) <= max
const list = (max, rule) => value => Array.isArray(value) && value.length <= max && value.every(rule)
const isMap = value => Array.isArray(value?.pairs)
const absentOr = rule => value => value === undefined || rule(value)

function fits (rules) {
  return value => {
    if (!isMap(value)) return false
    const fields = new Map(value.pairs)
    return rules.every(([key, rule]) => rule(fields.get(key)))
  }
}

const isGrant = value => readGrant(value, sizeOf(value), 2048)
const isContact = fits([
  [0n, bytes(32)], [1n, bytes(32)], [2n, uint(U32)], [3n, uint(U32)], [4n, text(64)], [5n, uint(8n)],
  [6n, absentOr(isGrant)], [7n, absentOr(isGrant)], [8n, bytes(32)]
])
const isRotation = value => Array.isArray(value) && value.length === 3 &&
  uint(U32)(value[0]) && uint(U32)(value[1]) && (value[2] === null || uint(U32)(value[2]))
const isContent = fits([
  [0n, bytes(32)], [1n, value => list(4, isRotation)(value) && value.length > 0], [2n, list(5000, isContact)],
  [3n, list(65536, bytes(32))], [4n, uint(7n)], [5n, text(12)], [6n, value => isMap(value) && sizeOf(value) <= 65536]
])
const areDifferent = keys => new Set(keys.map(hex)).size === keys.length

export function backup ({ seed, passphrase, file }) {
  const data = raw(file)
  demand(data.length >= SEALED_AT + 16 && data.length <= 16 * 1024 * 1024, 'length')
  demand(equal(data.subarray(0, MODE_AT), join(ascii('tcn1/backup'), raw('01'))), 'constant')
  const mode = data[MODE_AT]
  const salt = data.subarray(SALT_AT, NONCE_AT)
  demand(mode === 1 || (mode === 0 && equal(salt, Buffer.alloc(16))), 'constant')
  const shown = { mode }
  let key
  if (mode === 0) {
    key = KDF(raw(seed), 'tcn1/seed', ascii('bk'), 32)
  } else {
    const typed = Buffer.from(passphrase.normalize('NFKC'))
    shown.passphrase_bytes = hex(typed)
    key = argon2id(typed, salt, { t: 3, m: 256 * 1024, p: 1, dkLen: 32 })
  }
  const cipher = xchacha20poly1305(key, data.subarray(NONCE_AT, SEALED_AT), data.subarray(0, SEALED_AT))
  const content = cborDecode(Buffer.from(attempt(() => cipher.decrypt(data.subarray(SEALED_AT)), 'aead')))
  demand(isContent(content), 'payload')
  const field = new Map(content.pairs)
  demand(areDifferent(field.get(2n).map(contact => new Map(contact.pairs).get(0n))), 'payload')
  demand(areDifferent(field.get(3n)), 'payload')
  demand(mode === 1 || hex(field.get(0n)) === keys({ seed, rotation: 0 }).identity_key, 'payload')
  return { ...shown, key: hex(key), content: told(content) }
}
