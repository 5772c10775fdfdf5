// Prints each change of a workspace's companies: op, key, name, and the fields that
// changed with their new values.

import { decode, endsOf, kafka, workspace } from './connection.js'

const topic = `planhat.changes.${workspace}.company`

try {
  await endsOf(topic)
  // A consumer of kafkajs sees only what was committed; the bridge writes in transactions.
  const consumer = kafka.consumer({ groupId: 'example-node', readUncommitted: false })
  consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error))
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => consumer.disconnect())
  }
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  // An offset is committed after eachMessage is done: a crash repeats changes, and skips none.
  await consumer.run({
    eachMessage: async ({ message }) => {
      // A tombstone has no value: it lets compaction forget the key, and the delete came
      // before it.
      if (message.value !== null) show(message.key.toString(), await decode(message.value))
    },
  })
} catch (error) {
  fail(error)
}

function show(key, { op, before, after, changed }) {
  const row = op === 'd' ? before : after // of a delete at least the _id is known
  const fields = changed.map((name) => `${name}=${JSON.stringify(valueOf(row, name))}`)
  console.log(op, key, row.name, fields.join(', '))
}

// Looks a field up: custom.<name> in custom, which is JSON text; anything else in its typed
// field or, where its value does not fit the type, in extra, JSON text as well.
function valueOf(row, name) {
  if (name.startsWith('custom.')) return JSON.parse(row.custom ?? '{}')[name.slice('custom.'.length)]
  return row[name] ?? JSON.parse(row.extra ?? '{}')[name]
}

function fail(error) {
  console.error('consume-changes:', error.message)
  process.exit(1)
}
