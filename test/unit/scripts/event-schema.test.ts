import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONTRACT_MAJOR, DATA_SCHEMA, type EventMarks } from '../../../connector/event/client-event.ts'
import { type TombstoneType, tombstones } from '../../../connector/event/cloud-event/event-form.ts'
import type { DeadLetterCode } from '../../../connector/event/dead-letter.ts'
import { type EventSettings, outgoingRecord } from '../../../connector/event/outgoing-record.ts'
import { clientReader } from '../../../connector/event/read-client.ts'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'
import { eventForm } from '../../support/records.ts'

// Random clients become records, which must fit the schemas of the contract.

const tombstoneTypes: readonly TombstoneType[] = ['client.erased', 'client.removed']
const deadLetterCodes: readonly DeadLetterCode[] = ['client-id-missing', 'client-id-not-text', 'client-too-large']

const ajv = new Ajv2020({ strict: true, allErrors: true, validateFormats: true })
addFormats.default(ajv)
const file = (name: string) => JSON.parse(readProjectFile(`contract/v${CONTRACT_MAJOR}/${name}.json`))
const check = (name: string) => ajv.compile(file(`${name}.schema`))
const isEvent = check('event')
const isClient = check('client')
const areBinaryHeaders = check('binary-headers')
const isDeadLetter = check('dead-letter')
const { clientModified, clientErased, deadLetter } = file('asyncapi').components.messages
const areHeaders = ajv.compile(clientModified.headers)
const areDeadLetterHeaders = ajv.compile(deadLetter.headers)
const example = (name: string) => file(`examples/${name}`)
const event = example('client-modified')

const fieldName = fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== '__proto__')
const client = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.string(), fc.array(tie('value'), { maxLength: 3 }), tie('client')),
  client: fc.dictionary(fieldName, tie('value'), { maxKeys: 4 }),
})).client

const settings: EventSettings = {
  form: eventForm({ source: '/polaris/shop-1/clients' }),
  maxValueBytes: 400,
  deadLetterClient: 'include',
}

test('every record that the connector makes of a client fits its schema, and the schemas name all its fields', () => {
  const readClient = clientReader({ clientId: 'No', modifiedAt: null }, [], {
    timeZone: 'UTC',
    ignored: new Set(),
    lists: [],
    fields: undefined,
  })
  const anyMarks = fc.constantFrom<EventMarks>({}, { snapshot: true }, { republished: 'rewind', historycomplete: true })
  const anyPlace = anyMarks.map((marks) => ({ sequence: 7, previous: 'g0', readAt: 0, idField: 'No', marks }))
  const binary = { ...settings, form: { ...settings.form, mode: 'binary' }, maxValueBytes: 1_000 } as const
  const fits = (value: unknown, isValid: ReturnType<typeof check>) => {
    expect(isValid(value), ajv.errorsText(isValid.errors)).toBe(true)
    const { properties = {} } = isValid.schema as { properties?: object }
    if (isValid !== isClient)
      expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(Object(value))))
  }
  const id = fc.oneof(fc.string(), fc.constant(undefined))
  fc.assert(
    fc.property(client, id, anyPlace, (fields, No, place) => {
      const read = readClient({ ...(fields as object), ...(No === undefined ? {} : { No }) })
      const { record } = outgoingRecord(read, place, settings)
      const value = JSON.parse(String(record.value))
      fits(value, record.target === 'events' ? isEvent : isDeadLetter)
      if (record.target === 'events') fits(value.data, isClient)
      fits(record.headers, record.target === 'events' ? areHeaders : areDeadLetterHeaders)
      const { record: other } = outgoingRecord(read, place, binary)
      fits(JSON.parse(String(other.value)), other.target === 'events' ? isClient : isDeadLetter)
      if (other.target === 'events') fits(other.headers, areBinaryHeaders)
    }),
  )
})

test('a tombstone has the headers of its schema and of the golden example, in every partition', () => {
  const headers = example('client-erased-headers')
  const isHeaders = ajv.compile(clientErased.headers)
  expect(isHeaders(headers), ajv.errorsText(isHeaders.errors)).toBe(true)
  expect(clientErased.headers.properties.ce_type.enum).toEqual(tombstoneTypes)
  const parts = {
    type: 'client.erased',
    source: '/polaris/shops/clients',
    clientId: '0001042',
    id: '6f3c1d1e-1c9e-4a51-9b0b-3d1f0a6f8a11',
    timeMs: Date.parse('2026-06-15T10:00:00Z'),
  } as const
  const made = tombstones(parts, [0, 1])
  const record = { target: 'events', key: '0001042', value: null, headers }
  expect(made).toEqual([
    { ...record, partition: 0 },
    { ...record, partition: 1 },
  ])
})

describe('the schemas reject', () => {
  test.each<[string, object]>([
    ['null in a list of the client', { data: { Cartes: [null] } }],
    ['another type', { type: 'client.erased' }],
    ['another major version', { dataschema: 'urn:polaris-connector:client.modified:2' }],
    ['an id that is no hash', { id: '41' }],
    ['a time without a zone', { time: '2026-06-15T09:58:30' }],
  ])('an event with %s', (_, change) => {
    expect(isEvent(JSON.parse(JSON.stringify({ ...event, ...change })))).toBe(false)
  })

  test.each(['code', 'field', 'bytes', 'contentHash'])('a dead letter without %s', (field) => {
    expect(isDeadLetter({ ...example('dead-letter'), [field]: undefined })).toBe(false)
  })
})

test('the ids of the schemas have the major version of the contract', () => {
  expect(file('client.schema').$id).toBe(DATA_SCHEMA)
  for (const name of ['event', 'binary-headers', 'dead-letter'])
    expect(file(`${name}.schema`).$id).toBe(`urn:polaris-connector:${name}:${CONTRACT_MAJOR}`)
})

test('every code of a dead letter is in its description', () => {
  for (const code of deadLetterCodes) expect(JSON.stringify(isDeadLetter.schema)).toContain(code)
})
