import { CONTRACT_MAJOR, DATA_SCHEMA, EVENT_TYPE, SEQUENCE_DIGITS } from '../../connector/event/client-event.ts'
import { tombstoneTypes } from '../../connector/event/cloud-event/event-form.ts'
import { deadLetterCodes } from '../../connector/event/dead-letter.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Schemas that the others refer to; `at`: where they are in the document, such as `#/$defs/`. */
export function sharedSchemas(at: string): { readonly client: JsonSchema; readonly value: JsonSchema } {
  const value = { $ref: `${at}value` }
  return {
    client: {
      title: 'Client',
      description:
        'The client as Polaris returned it, sorted by field name, without the fields that the operator drops, and with HMACs of those that the operator hashes. Fields differ between merchants and versions: ignore those that you do not know. A value that is null or absent in Polaris is absent.',
      type: 'object',
      additionalProperties: value,
    },
    value: {
      description:
        'Every value is text, also numbers, dates and booleans ("true", "false"), unless the configuration of the stream names a type for its field. A number may have up to 38 digits.',
      anyOf: [
        { type: 'string' },
        { type: 'number' },
        { type: 'boolean' },
        { type: 'array', items: value },
        { type: 'object', additionalProperties: value },
      ],
    },
  }
}

/** Attributes of all events. */
const attributes = {
  specversion: { const: '1.0' },
  source: {
    description: '/polaris/<connector>/<stream>',
    type: 'string',
    format: 'uri-reference',
    pattern: '^/polaris/[a-z0-9-]+/[a-z0-9-]+$',
  },
  id: { description: 'The same change has the same id.', type: 'string', pattern: '^[0-9a-f]{32}$' },
  sequence: {
    description: 'Number of the event in its stream. Sorts as text.',
    type: 'string',
    pattern: `^[0-9]{${SEQUENCE_DIGITS}}$`,
  },
} as const

const subject = { description: 'The client id, as in the key of the record.', type: 'string', minLength: 1 }
const partitionkey = { description: 'The client id.', type: 'string', minLength: 1 }

/** Attributes of an event with a client, whatever its mode. */
const ofClient = {
  specversion: attributes.specversion,
  type: { const: EVENT_TYPE },
  source: attributes.source,
  id: attributes.id,
  time: {
    description: 'The modification time of the client if it is mapped, otherwise the time when it was read. UTC.',
    type: 'string',
    format: 'date-time',
  },
  subject,
  sequence: attributes.sequence,
  partitionkey,
}

const dataschema = {
  description: 'The `$id` of the schema of the client. It changes with the major version of the contract only.',
  const: DATA_SCHEMA,
}

/** Only some events have them. */
const extensions = {
  republished: {
    description:
      'Only while the history is read again because an operator had all clients published again: the id of the rewind. A consumer that counts changes ignores such events.',
    type: 'string',
    minLength: 1,
  },
}

/** In both modes, only a header. */
const historycomplete = {
  description:
    'Only if the event was made after the first history of the stream had been read to its end: the first load is over.',
  const: 'true',
}

/** A CloudEvent with a client: the value of a record in the events topic, in structured mode. */
export function eventSchema(at: string): JsonSchema {
  const datacontenttype = { const: 'application/json' }
  const required = { ...ofClient, datacontenttype, dataschema, data: { $ref: `${at}client` } }
  return objectSchema('Client event', required, extensions)
}

function objectSchema(title: string, required: JsonSchema, optional: JsonSchema = {}): JsonSchema {
  const properties = { ...required, ...optional }
  return { title, type: 'object', required: Object.keys(required), properties }
}

const asHeaders = (schemas: JsonSchema): JsonSchema =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [`ce_${name}`, schema]))

/** The headers of an event in binary mode, whose value is the client. */
export function binaryHeaders(): JsonSchema {
  const required = { 'content-type': { const: 'application/json' }, ...asHeaders({ ...ofClient, dataschema }) }
  return objectSchema(
    'Headers of a client event in binary mode',
    required,
    asHeaders({ ...extensions, historycomplete }),
  )
}

/** The headers of a tombstone: a CloudEvent without data in binary mode. */
export function tombstoneHeaders(): JsonSchema {
  const { specversion, source } = attributes
  const headers = {
    specversion,
    type: { enum: tombstoneTypes },
    source,
    id: { description: 'Random. The same in every partition.', type: 'string', format: 'uuid' },
    time: { description: 'When the command was run. UTC.', type: 'string', format: 'date-time' },
    subject,
    partitionkey,
  }
  return objectSchema('Headers of a tombstone', asHeaders(headers))
}

/** The headers of a record in structured mode. */
export function structuredHeadersSchema(type: string): JsonSchema {
  const routing = asHeaders({ type: { const: type }, source: attributes.source })
  const required = { 'content-type': { const: 'application/cloudevents+json' }, ...routing }
  const optional = type === EVENT_TYPE ? asHeaders({ republished: extensions.republished, historycomplete }) : {}
  return objectSchema('Headers in structured mode', required, optional)
}

/** The headers of a record in the dead-letter topic. */
export function deadLetterHeaders(): JsonSchema {
  const required = { 'content-type': { const: 'application/json' }, ...asHeaders({ sequence: attributes.sequence }) }
  return objectSchema('Headers of a dead letter', required)
}

/** The value of a record in the dead-letter topic. */
export function deadLetterSchema(at: string): JsonSchema {
  const required = {
    code: {
      description: `Why the client cannot become an event: ${deadLetterCodes.join(', ')}. More codes may follow.`,
      type: 'string',
      pattern: '^[a-z]+(-[a-z]+)*$',
    },
    field: { description: 'Path of the field that is mapped as the client id.', type: 'string' },
    bytes: { description: 'Size of the event, or of the client if no event was built.', type: 'integer', minimum: 1 },
    contentHash: {
      description: 'The same content has the same hash.',
      type: 'string',
      pattern: '^[A-Za-z0-9_-]{43}$',
    },
  }
  return objectSchema('Dead letter', required, { client: { $ref: `${at}client` } })
}

const schemaHeader = { $schema: 'https://json-schema.org/draft/2020-12/schema' }
const idOf = (name: string) => `urn:polaris-connector:${name}:${CONTRACT_MAJOR}`

/** The files of the contract that describe record values, by path. Each is complete in itself. */
export function schemaFiles(): Readonly<Record<string, JsonSchema>> {
  const { client, value } = sharedSchemas('#/$defs/')
  const $defs = { client, value }
  const folder = `v${CONTRACT_MAJOR}`
  return {
    [`${folder}/client.schema.json`]: { ...schemaHeader, $id: DATA_SCHEMA, ...client, $defs: { value } },
    [`${folder}/event.schema.json`]: { ...schemaHeader, $id: idOf('event'), ...eventSchema('#/$defs/'), $defs },
    [`${folder}/binary-headers.schema.json`]: { ...schemaHeader, $id: idOf('binary-headers'), ...binaryHeaders() },
    [`${folder}/dead-letter.schema.json`]: {
      ...schemaHeader,
      $id: idOf('dead-letter'),
      ...deadLetterSchema('#/$defs/'),
      $defs,
    },
  }
}
