// TOC-4, section 2: which envelopes a receiver takes, live and from stores.

import { Refused, hex, hourOf, raw } from './conventions.mjs'
import { open, parse } from './envelope.mjs'
import { notification } from './notification.mjs'
import { INDEX_MAX, step, tagOf } from './wheel.mjs'

const WINDOW = { 0: 16, 128: 4 }
const SKIPPED = { 0: 64, 128: 16 }
const RINGING = [0, 2, 3, 9, 10]
const LAST_KIND = 10

class Stream {
  constructor (told) {
    Object.assign(this, told)
    this.chain = raw(told.chain)
    this.skipped = told.skipped.map(({ index, key }) => ({ index, key: raw(key) }))
    this.stopped = false
  }

  // The entries of the table that this stream has now, what was skipped first.
  * entries () {
    for (const { index, key } of this.skipped) yield { index, key, tag: hex(tagOf(key)) }
    if (this.stopped) return
    let chain = this.chain
    const end = Math.min(this.index + WINDOW[this.q] - 1, INDEX_MAX)
    for (let index = this.index; index <= end; index++) {
      const [next, key] = step(chain)
      yield { index, key, tag: hex(tagOf(key)) }
      chain = next
    }
  }

  consume (index) {
    this.opened++
    if (index < this.index) {
      this.skipped = this.skipped.filter(each => each.index !== index)
      return
    }
    while (this.index <= index) {
      const [next, key] = step(this.chain)
      if (this.index < index) this.skipped.push({ index: this.index, key })
      this.chain = next
      this.index++
    }
    this.skipped = this.skipped.slice(-SKIPPED[this.q])
  }

  told () {
    const { generation, epoch, q, index, opened } = this
    const skipped = this.skipped.map(({ index, key }) => ({ index, key: hex(key) }))
    return { generation, epoch, q, index, chain: hex(this.chain), skipped, opened }
  }
}

function isWithin (streams, stream, limits) {
  const same = streams.filter(({ epoch, q }) => epoch === stream.epoch && q === stream.q)
  const opened = same.reduce((sum, each) => sum + each.opened, 0)
  if (limits[stream.q] === null || opened <= limits[stream.q]) return true
  for (const each of same) each.stopped = true
  return false
}

function outcomeOf (payload, q) {
  try {
    const { fields } = notification(payload)
    return fields.kind > LAST_KIND || RINGING.includes(fields.kind) === (q === 0) ? 'ok' : 'payload'
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return error.layer
  }
}

const attemptOpen = (network, key, data) => {
  try { return { payload: open(network, key, data) } } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { layer: error.layer }
  }
}

function liveEpochs (_given, _network, now) {
  const hours = [hourOf(now) - 1, hourOf(now), hourOf(now) + 1]
  return { epochs: [...new Set(hours.map(hour => Math.floor(hour / 24)))] }
}

function recognise ({ streams: told, limits, arrivals }, network) {
  const streams = told.map(one => new Stream(one))
  const aboveGrant = []
  const outcomes = arrivals.map(({ now, envelope }, number) => {
    const data = raw(envelope)
    const { kind, born_hour: hour, tag } = parse(data)
    if (Math.abs(hour - hourOf(now)) > 1) return 'hour'
    if (kind > 4) return 'tag'
    const live = streams.filter(({ epoch }) => epoch === Math.floor(hour / 24))
    for (const stream of live) {
      for (const entry of stream.entries()) {
        if (entry.tag !== hex(tag)) continue
        const { payload, layer } = attemptOpen(network, entry.key, data)
        if (layer) return layer
        stream.consume(entry.index)
        if (!isWithin(streams, stream, limits)) aboveGrant.push(number)
        return outcomeOf(payload, stream.q)
      }
    }
    return 'tag'
  })
  return {
    expect: outcomes.at(-1),
    outcomes,
    above_grant: aboveGrant,
    streams: streams.map(stream => stream.told())
  }
}

function catchUp ({ streams: told, limits, buckets }, network, now) {
  const streams = told.map(one => new Stream(one))
  const all = buckets.flatMap(({ hour, envelopes }) => envelopes.map(data => ({ hour, data: raw(data) })))
  const outcomes = all.map(({ hour }) => hour > hourOf(now) + 1 ? 'hour' : 'tag')
  const positions = new Map()
  all.forEach(({ data }, position) => {
    if (outcomes[position] === 'hour') return
    const tag = hex(parse(data).tag)
    positions.set(tag, [...positions.get(tag) ?? [], position])
  })
  const [found, aboveGrant] = [[], []]
  const tryOut = (stream, entry) => {
    for (const position of positions.get(entry.tag) ?? []) {
      const { payload, layer } = attemptOpen(network, entry.key, all[position].data)
      outcomes[position] = layer ?? outcomeOf(payload, stream.q)
      if (layer) continue
      found.push(position)
      stream.consume(entry.index)
      if (!isWithin(streams, stream, limits)) aboveGrant.push(position)
      return true
    }
    return false
  }
  for (const stream of [...streams].sort((a, b) => b.q - a.q)) {
    const tried = new Set()
    for (let again = true; again;) {
      again = false
      for (const entry of stream.entries()) {
        if (tried.has(entry.index)) continue
        tried.add(entry.index)
        if (tryOut(stream, entry)) { again = true; break }
      }
    }
  }
  return {
    expect: outcomes.find(outcome => outcome !== 'ok') ?? 'ok',
    outcomes,
    found,
    above_grant: aboveGrant,
    streams: streams.map(stream => stream.told())
  }
}

export const recogniseOperations = { 'live-epochs': liveEpochs, recognise, 'catch-up': catchUp }
