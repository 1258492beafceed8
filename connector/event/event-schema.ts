import { CONTRACT_MAJOR, dataSchema, dataSchemaPattern, EVENT_TYPE, SEQUENCE_DIGITS } from './client-event.ts'
import { deadLetterCodes } from './dead-letter.ts'
import { fieldAttributeSchemas } from './field-rules.ts'
import type { TombstoneType } from './tombstone.ts'
import { REMOVED_TYPE } from './tombstone.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Schemas that the others refer to; `at`: where they are in the document, such as `#/$defs/`. */
export function sharedSchemas(at: string): { readonly client: JsonSchema; readonly value: JsonSchema } {
  const value = { $ref: `${at}value` }
  return {
    client: {
      title: 'Client',
      description:
        'The client as Polaris returned it, sorted by field name, but for the fields that the attribute `fieldrules` of the event names. Fields differ between merchants and versions: ignore those that you do not know. A value that is null or absent in Polaris is absent.',
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

/** Attributes of all events and tombstones. */
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

/** A CloudEvent with a client: the value of a record in the events topic. */
export function eventSchema(at: string): JsonSchema {
  const { specversion, source, id, sequence } = attributes
  const required = {
    specversion,
    type: { const: EVENT_TYPE },
    source,
    id,
    time: {
      description: 'The modification time of the client if it is mapped, otherwise the time when it was read. UTC.',
      type: 'string',
      format: 'date-time',
    },
    subject,
    sequence,
    partitionkey,
    datacontenttype: { const: 'application/json' },
    dataschema: {
      description: 'The schema of `data`. It changes with the major version of the contract only.',
      type: 'string',
      format: 'uri',
      pattern: dataSchemaPattern,
    },
    data: { $ref: `${at}client` },
  }
  const republished = {
    description:
      'Only if an operator had the client published again although it is unchanged: the id of the request. A consumer that counts changes ignores such events.',
    type: 'string',
    minLength: 1,
  }
  const properties = { ...required, ...fieldAttributeSchemas, republished }
  return { title: 'Client event', type: 'object', required: Object.keys(required), properties }
}

const publishedAt = { description: 'When it was published. UTC.', type: 'string', format: 'date-time' }

/** A CloudEvent without data: the value of a record in the events topic. */
export function removalSchema(): JsonSchema {
  const { specversion, source, id, sequence } = attributes
  const properties = {
    specversion,
    type: { const: REMOVED_TYPE },
    source,
    id,
    time: publishedAt,
    subject,
    sequence,
    partitionkey,
  }
  return { title: 'Removal', type: 'object', required: Object.keys(properties), properties }
}

/** The headers of a tombstone: a CloudEvent without data in binary mode. */
export function tombstoneHeaders(type: TombstoneType): JsonSchema {
  const properties = {
    ce_specversion: attributes.specversion,
    ce_type: { const: type },
    ce_source: attributes.source,
    ce_id: attributes.id,
    ce_time: publishedAt,
    ce_sequence: attributes.sequence,
  }
  return { type: 'object', required: Object.keys(properties), properties }
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
  const properties = { ...required, client: { $ref: `${at}client` } }
  return { title: 'Dead letter', type: 'object', required: Object.keys(required), properties }
}

export const schemaHeader = { $schema: 'https://json-schema.org/draft/2020-12/schema' }
const idOf = (name: string) => `urn:polaris-connector:${name}:${CONTRACT_MAJOR}`

/** The files of the contract that describe record values, by path. Each is complete in itself. */
export function schemaFiles(): Readonly<Record<string, JsonSchema>> {
  const { client, value } = sharedSchemas('#/$defs/')
  const $defs = { client, value }
  const folder = `v${CONTRACT_MAJOR}`
  return {
    [`${folder}/client.schema.json`]: { ...schemaHeader, $id: dataSchema(undefined), ...client, $defs: { value } },
    [`${folder}/event.schema.json`]: { ...schemaHeader, $id: idOf('event'), ...eventSchema('#/$defs/'), $defs },
    [`${folder}/removal.schema.json`]: { ...schemaHeader, $id: idOf('removal'), ...removalSchema() },
    [`${folder}/dead-letter.schema.json`]: {
      ...schemaHeader,
      $id: idOf('dead-letter'),
      ...deadLetterSchema('#/$defs/'),
      $defs,
    },
  }
}
