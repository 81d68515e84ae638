// TOC-4, sections 1, 3 and 4: keys of a pair, indices, and when a clock is believed.

import { H, KDF, ascii, demand, hex, hourOf, join, raw, u32 } from './conventions.mjs'

const NOTHING = Buffer.alloc(0)
const u8 = number => Buffer.from([number])
export const QS = [0, 0x80]
export const INDEX_MAX = 65535

const halves = both => [both.subarray(0, 32), both.subarray(32)]
export const generation0 = (k1, k2, h) => halves(KDF(k1, 'tcn1/gen', join(u32(0), k2, h), 64))
export const generationNext = (m, number, shared, th) =>
  halves(KDF(m, 'tcn1/gen', join(u32(number), shared, Buffer.alloc(32), th), 64))
export const digest = control => H('tcn1/th', control, 32)
export const transcript = (offer, accept) => H('tcn1/th', join(digest(offer), digest(accept)), 32)

export const direction = (sender, receiver) => Buffer.compare(sender, receiver) < 0 ? 0 : 1
export const firstWheel = (wheelKey, direction, epoch) =>
  KDF(wheelKey, 'tcn1/dir', join(u8(direction), u32(epoch)), 32)
function wheelAt (wheel, epoch, wanted) {
  for (let e = epoch + 1; e <= wanted; e++) wheel = KDF(wheel, 'tcn1/wheel', u32(e), 32)
  return wheel
}
export const firstChain = (wheel, epoch, q, device = 0) =>
  KDF(wheel, 'tcn1/chain', join(u32(epoch), u8(device | q)), 32)
export const step = chain => halves(KDF(chain, 'tcn1/step', NOTHING, 64))
export const tagOf = key => KDF(key, 'tcn1/tag', NOTHING, 16)
const nidOf = key => KDF(key, 'tcn1/nid', NOTHING, 16)

function chain ({ wheel, epoch, device, q, index }) {
  const first = firstChain(raw(wheel), epoch, q, device)
  let at = first
  for (let i = 0; i < index; i++) at = step(at)[0]
  const [next, key] = step(at)
  return {
    first: hex(first),
    chain: hex(at),
    next: hex(next),
    message_key: hex(key),
    tag: hex(tagOf(key)),
    nid: hex(nidOf(key))
  }
}

function turn ({ epoch, wheel, to }) {
  const chains = []
  for (let e = Math.max(epoch, to - 7); e <= to; e++) {
    const at = wheelAt(raw(wheel), epoch, e)
    for (const q of QS) chains.push({ epoch: e, q, chain: hex(firstChain(at, e, q)) })
  }
  return { epoch: to + 1, wheel: hex(wheelAt(raw(wheel), epoch, to + 1)), chains }
}

function send ({ epoch, q, index, chain, one_shot: oneShot, events }) {
  const block = q === 0 && !oneShot ? 8 : 1
  const at = i => {
    let key = raw(chain)
    for (let n = index; n < i; n++) key = step(key)[0]
    return key
  }
  let [next, stored, enough] = [index, index, true]
  const taken = []
  const storedAfter = events.map(event => {
    if (event === 'crash') next = stored
    else if (event === 'stop') stored = next
    else if (next > INDEX_MAX) enough = false
    else {
      if (next >= stored) stored = Math.min(next + block, INDEX_MAX + 1)
      const key = step(at(next))[1]
      taken.push({ index: next, key: hex(key), tag: hex(tagOf(key)), nid: hex(nidOf(key)) })
      next++
    }
    return stored
  })
  return { expect: enough ? 'ok' : 'tag', taken, stored: storedAfter, chain: hex(at(stored)) }
}

function mayTurn (given, _network, now) {
  const hour = hourOf(now)
  const ahead = Math.floor(hour / 24) - given.committed
  demand(ahead >= 1, 'hour')
  const longEnough = given.uptime_s >= 3600
  const agreeing = given.store_hours.filter(other => Math.abs(other - hour) <= 1).length
  const stores = given.stores >= 3
    ? agreeing >= 3
    : given.stores > 0 && agreeing === given.stores && longEnough
  demand(given.confirmed || stores || (ahead === 1 && longEnough), 'hour')
  return { epoch: given.committed + ahead }
}

function maySend ({ committed }, _network, now) {
  const hour = hourOf(now)
  const epoch = Math.floor(hour / 24)
  if (hour === committed * 24 - 1) return { epoch: committed }
  demand(epoch === committed || epoch === committed + 1, 'hour')
  return { epoch }
}

export const wheelOperations = {
  'generation-0': given => {
    const [m, wheelKey] = generation0(raw(given.k1), raw(given.k2), raw(given.handshake_hash))
    return { m: hex(m), wheel_key: hex(wheelKey) }
  },
  'generation-next': given => {
    const [offer, accept] = [raw(given.offer), raw(given.accept)]
    const th = transcript(offer, accept)
    const [m, wheelKey] = generationNext(raw(given.m), given.generation, raw(given.shared), th)
    return {
      offer_digest: hex(digest(offer)),
      accept_digest: hex(digest(accept)),
      th: hex(th),
      m: hex(m),
      wheel_key: hex(wheelKey)
    }
  },
  wheel: given => {
    const number = direction(raw(given.sender), raw(given.receiver))
    const first = firstWheel(raw(given.wheel_key), number, given.first_epoch)
    return { direction: number, first: hex(first), wheel: hex(wheelAt(first, given.first_epoch, given.epoch)) }
  },
  chain,
  turn,
  send,
  'may-turn': mayTurn,
  'may-send': maySend
}
