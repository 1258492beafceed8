import { readFileSync } from 'node:fs'
import { CONTRACT_MAJOR } from '../../connector/event/client-event.ts'
import { structuredHeaders } from '../../connector/event/cloud-event/event-form.ts'
import { kafkaDefaults } from '../../connector/kafka/kafka-config.ts'
import {
  binaryHeaders,
  deadLetterHeaders,
  deadLetterSchema,
  eventSchema,
  schemaFiles,
  sharedSchemas,
  structuredHeadersSchema,
  tombstoneHeaders,
} from '../contract/event-schema.ts'

const folder = `contract/v${CONTRACT_MAJOR}`
const bindingVersion = '0.5.0'
const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`

/** The schemas and the AsyncAPI document, by path. The golden examples beside them are written by hand. */
export const contractFiles = [
  ...Object.entries(schemaFiles()).map(([path, schema]) => ({
    path: `contract/${path}`,
    content: () => json(schema),
  })),
  { path: `${folder}/asyncapi.json`, content: () => json(asyncApi()) },
]

function example(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../${folder}/examples/${name}.json`, import.meta.url), 'utf8'))
}

function asyncApi(): unknown {
  const { eventsConfig, deadLettersConfig } = kafkaDefaults.create
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Polaris clients',
      version: `${CONTRACT_MAJOR}`,
      description:
        'Every client modified in a Polaris retail back office, as Kafka records. The topics have their default names and settings here; both can be configured. Read committed records only (`isolation.level=read_committed`).',
      license: { name: 'Apache-2.0' },
    },
    channels: {
      clients: channel('client.modified', eventsConfig, ['clientModified', 'clientModifiedBinary', 'clientErased']),
      deadLetters: channel('client.modified.dlq', deadLettersConfig, ['deadLetter']),
    },
    operations: {
      publishClients: operation(
        'clients',
        'Publishes each client that was modified. The newest event of a key is the state of that client.',
      ),
      publishDeadLetters: operation(
        'deadLetters',
        'Publishes clients that cannot become an event, in the same transaction.',
      ),
    },
    components: { messages: messages(), schemas: schemas() },
  }
}

function channel(address: string, config: Readonly<Record<string, string>>, names: readonly string[]) {
  const { 'cleanup.policy': policy, ...numbers } = config
  const topicConfiguration = {
    'cleanup.policy': policy?.split(','),
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)])),
  }
  return {
    address,
    messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: { kafka: { topicConfiguration, bindingVersion } },
  }
}

const operation = (name: string, summary: string) => ({
  action: 'send',
  channel: { $ref: `#/channels/${name}` },
  summary,
})

/** A golden example in structured mode, with its headers. */
function structured(name: string) {
  const payload = example(name) as { readonly type: string; readonly source: string; readonly republished?: string }
  const { type, source, republished } = payload
  const more = republished === undefined ? {} : { ce_historycomplete: 'true', ce_republished: republished }
  return { name, headers: { ...structuredHeaders(type, source), ...more }, payload }
}

/** One in binary mode. */
function binary(name: string) {
  const { headers, value } = example(`${name}-binary`) as { readonly headers: unknown; readonly value: unknown }
  return { name: `${name}-binary`, headers, payload: value }
}

const clientExamples = ['client-modified', 'client-republished', 'client-minimised', 'client-typed']

function messages() {
  const plain = (...names: readonly string[]) => names.map((name) => ({ name, payload: example(name) }))
  return {
    clientModified: {
      ...{ name: 'client.modified', title: 'A client was created or changed', ...keyed(clientId) },
      ...{ contentType: 'application/cloudevents+json', headers: structuredHeadersSchema('client.modified') },
      payload: { $ref: '#/components/schemas/event' },
      examples: clientExamples.map(structured),
    },
    clientModifiedBinary: {
      ...{ name: 'client.modified', title: 'The same with event.mode: binary', ...keyed(clientId) },
      ...{ contentType: 'application/json', headers: binaryHeaders() },
      payload: { $ref: '#/components/schemas/client' },
      examples: clientExamples.map(binary),
    },
    clientErased: {
      ...{
        name: 'client.erased',
        title: 'Tombstone: a client was erased by an operator, or removed because Polaris has deleted it',
        ...keyed(clientId),
      },
      headers: tombstoneHeaders(),
      payload: { type: 'null' },
      examples: [{ name: 'client-erased', headers: example('client-erased-headers'), payload: null }],
    },
    deadLetter: {
      ...{ title: 'A client cannot become an event', ...keyed(clientIdOrNull) },
      contentType: 'application/json',
      headers: deadLetterHeaders(),
      payload: { $ref: '#/components/schemas/deadLetter' },
      examples: plain('dead-letter', 'dead-letter-with-client'),
    },
  }
}

const clientId = {
  description: 'The client id. Partitioned with murmur2, like Java producers.',
  type: 'string',
  minLength: 1,
}
const clientIdOrNull = { description: 'The client id, if there is one.', type: ['string', 'null'] }
const keyed = (key: object) => ({ bindings: { kafka: { key, bindingVersion } } })

function schemas() {
  const at = '#/components/schemas/'
  return {
    event: eventSchema(at),
    deadLetter: deadLetterSchema(at),
    ...sharedSchemas(at),
  }
}
