// Reads the vectors of specs/ with a decoder that uses nothing specs/ does not say. Of a vector it takes
// `operation`, `network`, `now` and `input`; its answer must then be the whole of `expect` and `output`.
// Run: node run.mjs <directory of the vectors> <family>...   One line of JSON a family; 1 when any disagrees.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { backup } from './backup.mjs'
import { controlOperations } from './control.mjs'
import { H, base32Decode, cborDecode, hex, raw, told } from './conventions.mjs'
import { arrivals, identify, need, open, paid, parse, relay, seal } from './envelope.mjs'
import { address, card, keys, safetyNumber, words } from './identity.mjs'
import { introductionOperations } from './introduction.mjs'
import { knockOperations } from './knock.mjs'
import { noiseOperations } from './noise.mjs'
import { further, notification } from './notification.mjs'
import { recogniseOperations } from './recognise.mjs'
import { home, homeDigest, knockTopic, readTopic, shardTopic } from './topics.mjs'
import { wheelOperations } from './wheel.mjs'

const topicsOf = (network, at) => ({ topic: shardTopic(network, at), knock_topic: knockTopic(network) })

const OPERATIONS = {
  hash: ({ label, key, data, size }) => ({ digest: hex(H(label, raw(data), size, raw(key))) }),
  cbor: ({ data }) => ({ value: told(cborDecode(raw(data))) }),
  keys,
  words,
  card,
  'safety-number': safetyNumber,
  address,
  backup,
  base32: ({ text, size }) => ({ data: hex(base32Decode(text, size)) }),
  listen: ({ identity_key: key }, network) => {
    const at = home(raw(key))
    return { digest: hex(homeDigest(raw(key))), home: at, ...topicsOf(network, at) }
  },
  'shard-topic': ({ home }, network) => ({ topic: shardTopic(network, home) }),
  topic: ({ topic }) => readTopic(topic),
  need: ({ kind, size }, network) => ({ need: String(need(network, kind, size)) }),
  paid,
  parse: ({ envelope }) => {
    const { kind, born_hour, tag, body, stamp_nonce } = parse(raw(envelope))
    return { kind, born_hour, tag: hex(tag), body: hex(body), stamp_nonce: hex(stamp_nonce) }
  },
  seal,
  open: ({ key, envelope }, network) => ({ payload: hex(open(network, raw(key), raw(envelope))) }),
  mid: ({ topic, envelope }, network) => identify(network, topic, raw(envelope)),
  relay,
  arrivals,
  notification: ({ payload }) => notification(raw(payload)),
  further: ({ payload }) => further(raw(payload)),
  ...wheelOperations,
  ...recogniseOperations,
  ...controlOperations,
  ...noiseOperations,
  ...introductionOperations,
  ...knockOperations
}

function answer ({ operation, input, network, now }) {
  try {
    const { expect = 'ok', ...output } = OPERATIONS[operation](input, network, now)
    return { expect, output }
  } catch (error) {
    if (error.layer === undefined) throw error
    return { expect: error.layer, output: error.shown ?? {} }
  }
}

let disagreed = 0
const [directory, ...families] = process.argv.slice(2)
for (const family of families) {
  const files = readdirSync(join(directory, family)).filter(name => name.endsWith('.json'))
  for (const file of files) {
    const { expect, output, ...asked } = JSON.parse(readFileSync(join(directory, family, file), 'utf8'))
    const said = answer(asked)
    if (isDeepStrictEqual(said, { expect, output })) continue
    disagreed++
    console.error(JSON.stringify({ family, file, comment: asked.comment, wanted: { expect, output }, said }))
  }
  console.log(JSON.stringify({ family, vectors: files.length }))
}
process.exitCode = disagreed === 0 ? 0 : 1
