// Two js-libp2p hosts in one process: the yardstick beside which other gossip routers are measured.
//
// node pair.mjs <messages in a burst> <messages timed one by one>; prints one JSON object.

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openHost } from './host.mjs'

const TOPIC = '/tocsin/1/bench/s/0/00'
const SIZE = 512
const QUIET_MS = 2000
const WARM_UP = 1000

const [burst, timed] = process.argv.slice(2).map(Number)
const sha256 = (_topic, data) => createHash('sha256').update(data).digest()
const sender = await openHost(sha256)
const receiver = await openHost(sha256)
const from = sender.services.pubsub
const to = receiver.services.pubsub

from.subscribe(TOPIC)
to.subscribe(TOPIC)
const grafted = once(from, 'gossipsub:graft')
await receiver.dial(sender.getMultiaddrs()[0])
await grafted

async function timeHop () {
  const data = randomBytes(SIZE)
  const arrived = once(to, 'message')
  const started = performance.now()
  await from.publish(TOPIC, data)
  await arrived
  return performance.now() - started
}

for (let i = 0; i < WARM_UP; i++) await timeHop()
const latencies = []
for (let i = 0; i < timed; i++) latencies.push(await timeHop())

let delivered = 0
let last = 0
to.addEventListener('message', () => { delivered += 1; last = performance.now() })
const messages = Array.from({ length: burst }, () => randomBytes(SIZE))
const started = performance.now()
for (const data of messages) await from.publish(TOPIC, data)
last = performance.now()
while (delivered < burst && performance.now() - last < QUIET_MS) await sleep(20)

console.log(JSON.stringify({
  delivered,
  rate: delivered / ((last - started) / 1000),
  latencies_ms: latencies
}))
await Promise.all([sender.stop(), receiver.stop()])
