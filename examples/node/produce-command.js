// Sets a company's custom field "Region 🌍" with a command, waits for the command's one
// result and prints it. Exits 0 if the result is OK.
//
//   node produce-command.js [EXTERNAL_ID [REGION]]

import { randomUUID } from 'node:crypto'

import { Partitioners } from 'kafkajs'

import { decode, endsOf, kafka, workspace } from './connection.js'

const [externalId = 'c-1', region = 'EMEA'] = process.argv.slice(2)
const commands = `planhat.commands.${workspace}`
const results = `planhat.results.${workspace}`

const command = {
  id: randomUUID(),
  op: 'upsert',
  object: 'company',
  target: { externalId },
  // Present = set, null = clear, absent = leave.
  fields: { name: 'Acme', custom: { 'Region 🌍': region } },
}

const timeout = setTimeout(() => {
  fail(`no result of command ${command.id} after 30 s: is the bridge's sink running?`)
}, 30_000)
try {
  const result = await answerOf(command)
  if (result.error) {
    fail(`${result.status} ${result.error.code}: ${result.error.message}. ${result.error.remedy}`)
  }
  console.log(result.status, result.effect, result.recordId ?? '-', command.id)
  clearTimeout(timeout)
} catch (error) {
  fail(error.message)
}

async function answerOf(command) {
  // Results are read from where they end now: what answers the command comes later.
  const ends = await endsOf(results)
  // kafkajs reads in groups only; this one is for this command, and commits nothing.
  const consumer = kafka.consumer({ groupId: `example-node-${command.id}`, readUncommitted: false })
  await consumer.connect()
  await consumer.subscribe({ topic: results })
  const found = new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        // The key of a result is the command's id.
        if (message.key.toString() === command.id) await decode(message.value).then(resolve, reject)
      },
    })
  })
  for (const { partition, offset } of ends) consumer.seek({ topic: results, partition, offset })
  await send(command)
  const result = await found
  await consumer.disconnect()
  return result
}

async function send(command) {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  // Commands with one key are done in order.
  const key = `company/${command.target.externalId}`
  await producer.send({ topic: commands, messages: [{ key, value: JSON.stringify(command) }] })
  await producer.disconnect()
}

function fail(message) {
  console.error('produce-command:', message)
  process.exit(1)
}
