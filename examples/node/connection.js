// What both programs connect to, from the environment or as the sandbox has it.

import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import avsc from 'avsc'
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

// The bridge compresses with snappy, which kafkajs does not know by itself.
CompressionCodecs[CompressionTypes.Snappy] = snappy

const env = process.env
const brokers = env.KAFKA_BOOTSTRAP_SERVERS ?? '127.0.0.1:19092'
const host = env.SCHEMA_REGISTRY_URL ?? 'http://127.0.0.1:18081'
export const workspace = env.WORKSPACE ?? 'demo'

// Trouble comes as exceptions, so kafkajs need not log it.
export const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })

// avsc refuses a long that a JavaScript number cannot hold, and source.sequence grows
// beyond that: such a long becomes a BigInt here.
const long = avsc.types.LongType.__with({
  fromBuffer: (buffer) => {
    const value = buffer.readBigInt64LE()
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  },
  toBuffer: (value) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(BigInt(value))
    return buffer
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: (value) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (a, b) => (a < b ? -1 : Number(a > b)),
})
const typeHook = (schema) => (schema === 'long' || schema.type === 'long' ? long : undefined)

const registry = new SchemaRegistry({ host }, { [SchemaType.AVRO]: { typeHook } })

// Reads a value in the Confluent wire format; the registry is asked for each schema once.
export async function decode(value) {
  try {
    return await registry.decode(value)
  } catch (error) {
    throw new Error(`decode with a schema of ${host}, check SCHEMA_REGISTRY_URL: ${error.message}`)
  }
}

// Turns a wrong address or name into an error, and says where the topic's partitions end.
export async function endsOf(topic) {
  const admin = kafka.admin()
  try {
    await admin.connect()
  } catch (error) {
    throw new Error(`no Kafka at ${brokers}, check KAFKA_BOOTSTRAP_SERVERS: ${error.message}`)
  }
  try {
    if (!(await admin.listTopics()).includes(topic)) {
      throw new Error(`no topic ${topic} at ${brokers}, check WORKSPACE`)
    }
    return await admin.fetchTopicOffsets(topic)
  } finally {
    await admin.disconnect()
  }
}
