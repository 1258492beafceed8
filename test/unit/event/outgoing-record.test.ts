import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type FieldAction, fieldHash, fieldRules } from '../../../connector/event/fields/field-rules.ts'
import { deadLetterCause, type EventSettings, outgoingRecord } from '../../../connector/event/outgoing-record.ts'
import { clientReader } from '../../../connector/event/read-client.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'
import { eventForm } from '../../support/records.ts'

const settings: EventSettings = {
  form: eventForm(),
  maxValueBytes: 100_000,
  deadLetterClient: 'leave-out',
}
const readClient = clientReader({ clientId: 'No', modifiedAt: 'Modif' }, [], {
  timeZone: 'Europe/Paris',
  ignored: new Set(),
  lists: [],
  fields: undefined,
})
const readAt = Date.parse('2026-06-15T10:00:00Z')
const place = { sequence: 7, previous: '3', readAt, idField: 'No', marks: {} }

function make(client: ClientRecord, more: Partial<EventSettings> = {}) {
  const { kind, record } = outgoingRecord(readClient(client), place, { ...settings, ...more })
  return { kind, record, value: JSON.parse(record.value.toString()) }
}

describe('a client that cannot become an event', () => {
  test.each([
    ['without an id', { Nom: 'planted' }, 'client-id-missing'],
    ['with an empty id', { No: '', Nom: 'planted' }, 'client-id-missing'],
    ['with an object as its id', { No: { a: 'planted' } }, 'client-id-not-text'],
    ['with a list as its id', { No: ['planted'] }, 'client-id-not-text'],
    ['with an id of which a character was replaced', { No: 'planted\ufffd' }, 'client-id-not-text'],
  ])('%s becomes a dead letter without a key and without client data', (_what, client, code) => {
    const { kind, record, value } = make(client)
    expect([kind, record.target, record.key]).toEqual(['dead-letter', 'deadLetters', null])
    expect(value).toEqual({
      code,
      field: 'No',
      bytes: Buffer.byteLength(JSON.stringify(client)),
      contentHash: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(record.value.toString()).not.toContain('planted')
  })

  test('becomes a dead letter with its id as the key and the size of the event when it is too large', () => {
    const client = { No: '1', Nom: 'é'.repeat(300) }
    const { record, value } = make(client, { maxValueBytes: 700 })
    expect(record).toMatchObject({ target: 'deadLetters', key: '1' })
    expect(value).toMatchObject({ code: 'client-too-large', bytes: expect.any(Number) })
    expect(make(client, { maxValueBytes: value.bytes - 1 }).kind).toBe('dead-letter')
    expect(make(client, { maxValueBytes: value.bytes }).kind).toBe('event')
  })

  test.each(['structured', 'binary'] as const)(
    'is the same client whatever its number and its marks, in %s mode',
    (mode) => {
      const read = readClient({ No: 'é"1', Nom: 'x'.repeat(300) })
      const form = eventForm({ mode })
      const { bytes = 0 } = deadLetterCause(read, { ...settings, form, maxValueBytes: 1 }) ?? {}
      const marks = { snapshot: true, historycomplete: true, republished: randomUUID() } as const
      const largest = { ...place, sequence: Number.MAX_SAFE_INTEGER, marks, readAt: Date.UTC(9999) }
      for (const where of [place, largest]) {
        const kind = (maxValueBytes: number) => outgoingRecord(read, where, { ...settings, form, maxValueBytes }).kind
        expect([kind(bytes), kind(bytes - 1)]).toEqual(['event', 'dead-letter'])
      }
      const { record } = outgoingRecord(read, largest, { ...settings, form })
      const headerBytes = mode === 'binary' ? Buffer.byteLength(JSON.stringify(record.headers)) : 0
      expect(record.value.length + headerBytes).toBeLessThanOrEqual(bytes)
    },
  )

  test('counts the headers in binary mode: they have the attributes of the event', () => {
    const client = { No: '1', Nom: 'x'.repeat(300) }
    const form = eventForm({ mode: 'binary' })
    expect(outgoingRecord(readClient(client), place, { ...settings, form, maxValueBytes: 1_000 }).kind).toBe('event')
    const { kind, record } = make(client, { form, maxValueBytes: 500 })
    expect([kind, record.target]).toEqual(['dead-letter', 'deadLetters'])
  })

  test('becomes a dead letter with source, number and time of the event that is missing', () => {
    const headers = {
      'content-type': 'application/json',
      ce_source: settings.form.source,
      ce_time: '2026-06-15T10:00:00.000Z',
      ce_sequence: '00000000000000000007',
    }
    expect(make({ Nom: 'x' }).record.headers).toEqual(headers)
    const dated = { Modif: '2026-06-15T09:00:00' }
    expect(make(dated).record.headers).toEqual({ ...headers, ce_time: '2026-06-15T07:00:00.000Z' })
  })

  test('shares no index entry with another one whose id has replaced characters too', () => {
    const [one, other] = ['a', 'b'].map((Nom) => readClient({ No: '\ufffd', Nom }))
    expect(one?.key).not.toBe(other?.key)
  })

  test('is included in the dead letter when the setting includes it and it fits', () => {
    const option = { deadLetterClient: 'include' } as const
    expect(make({ Nom: 'x' }, option).value).toMatchObject({ client: { Nom: 'x' } })
    expect(make({ No: '1', Nom: 'x'.repeat(500) }, { ...option, maxValueBytes: 400 }).value).not.toHaveProperty(
      'client',
    )
  })
})

describe('a client of which events contain only a part', () => {
  const hmac = fieldHash('a key of thirty-two characters..')
  const minimised = (client: ClientRecord, actions: Record<string, FieldAction>, more: Partial<EventSettings> = {}) => {
    const fields = fieldRules('keep', Object.entries(actions))
    const rules = { timeZone: 'UTC', ignored: new Set<string>(), lists: [], fields, hmac }
    const read = clientReader({ clientId: 'No', modifiedAt: 'Modif' }, [], rules)
    return outgoingRecord(read(client), place, { ...settings, ...more }).record
  }

  test('is no less minimal in its dead letter', () => {
    const { value } = minimised(
      { Nom: 'planted', Mail: 'planted', Age: '3' },
      { Nom: 'drop', Mail: 'hmac' },
      {
        deadLetterClient: 'include',
      },
    )
    expect(JSON.parse(String(value)).client).toEqual({ Age: '3', Mail: hmac('planted') })
  })
})
