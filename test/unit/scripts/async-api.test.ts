import { readdirSync } from 'node:fs'
import asyncApiSchema from '@asyncapi/specs/schemas/3.0.0.json' with { type: 'json' }
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { newTopics } from '../../../connector/config/sections/kafka-section.ts'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'

// The document is validated with the schema of AsyncAPI, and compared with the settings of new topics.

const document = JSON.parse(readProjectFile('contract/v1/asyncapi.json'))

/** AsyncAPI's own schema, which includes the Kafka bindings. */
function asyncApiValidator() {
  const ajv = new Ajv({ strict: false, meta: false }) // the file includes the meta-schema
  addFormats.default(ajv)
  return ajv.compile(asyncApiSchema)
}

test('the AsyncAPI document fits the schema of AsyncAPI 3, also its Kafka bindings', () => {
  const isValid = asyncApiValidator()
  expect(document.asyncapi).toBe('3.0.0')
  expect(isValid(document), JSON.stringify(isValid.errors?.slice(0, 5))).toBe(true)
  const wrong = structuredClone(document)
  wrong.channels.clients.bindings.kafka.partitions = 'six'
  expect(isValid(wrong)).toBe(false)
})

test('every reference in the AsyncAPI document has a target, and every channel, message and schema is used', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference)
  const { channels, components } = document
  const used = [
    ...Object.keys(channels).map((name) => `#/channels/${name}`),
    ...Object.keys(components.messages).map((name) => `#/components/messages/${name}`),
    ...readdirSync('contract/v1').flatMap((file) => (file.endsWith('.schema.json') ? [`./${file}`] : [])),
  ]
  expect(new Set(references)).toEqual(new Set(used))
})

test('the topics have the settings with which the connector creates them', () => {
  const settings = (channel: string) =>
    Object.entries(document.channels[channel].bindings.kafka.topicConfiguration).map(([name, value]) => [
      name,
      `${value}`,
    ])
  expect(Object.fromEntries(settings('clients'))).toEqual(newTopics.events)
  expect(Object.fromEntries(settings('deadLetters'))).toEqual(newTopics.deadLetters)
})
