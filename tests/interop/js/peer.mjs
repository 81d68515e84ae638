// A gossip peer that obeys JSON lines on stdin and tells what it sees as JSON lines on stdout.
//
// Obeys:  {"do": "subscribe", "topic"}  {"do": "dial", "address"}  {"do": "publish", "topic", "data": [base64]}
// Tells:  ready {peer, address}, dialled {address}, subscription {peer, topic, subscribe},
//         published {sent, recipients: how many of them went to at least one neighbour},
//         message {peer, topic, data, mid}, author {peer, fields}: one per message that names its author.
// It ends when stdin does. A command that fails ends it with a trace on stderr.

import readline from 'node:readline'
import { openHost } from './host.mjs'
import { mid } from './mid.mjs'
import { multiaddr } from '@multiformats/multiaddr'

const AUTHOR_FIELDS = ['from', 'seqno', 'signature', 'key']

function tell (event, details) {
  process.stdout.write(JSON.stringify({ event, ...details }) + '\n')
}

// Gossipsub looks at three of the four fields, so the peer looks itself, before gossipsub does.
function tellAuthors (pubsub) {
  const handle = pubsub.handleReceivedRpc.bind(pubsub)
  pubsub.handleReceivedRpc = async (peer, rpc) => {
    for (const message of rpc.messages) {
      const fields = AUTHOR_FIELDS.filter(field => message[field] != null)
      if (fields.length > 0) tell('author', { peer: peer.toString(), fields })
    }
    await handle(peer, rpc)
  }
}

const host = await openHost(mid)
const pubsub = host.services.pubsub

const obey = {
  async subscribe ({ topic }) {
    pubsub.subscribe(topic)
  },
  async dial ({ address }) {
    await host.dial(multiaddr(address))
    tell('dialled', { address })
  },
  async publish ({ topic, data }) {
    let recipients = 0
    for (const item of data) {
      const result = await pubsub.publish(topic, Buffer.from(item, 'base64'))
      if (result.recipients.length > 0) recipients += 1
    }
    tell('published', { sent: data.length, recipients })
  }
}

tellAuthors(pubsub)
pubsub.addEventListener('subscription-change', ({ detail }) => {
  for (const { topic, subscribe } of detail.subscriptions) {
    tell('subscription', { peer: detail.peerId.toString(), topic, subscribe })
  }
})
pubsub.addEventListener('gossipsub:message', ({ detail: { propagationSource, msgId, msg } }) => {
  tell('message', {
    peer: propagationSource.toString(),
    topic: msg.topic,
    data: Buffer.from(msg.data).toString('base64'),
    mid: Buffer.from(msgId, 'base64').toString('hex')
  })
})

tell('ready', { peer: host.peerId.toString(), address: host.getMultiaddrs()[0].toString() })
for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  await obey[command.do](command)
}
await host.stop()
