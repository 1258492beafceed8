import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type EventMode, eventModes, structuredHeaders } from '../../../connector/event/cloud-event/event-form.ts'
import { fieldHash, fieldRules } from '../../../connector/event/fields/field-rules.ts'
import type { ValueType } from '../../../connector/event/fields/field-types.ts'
import { type EventPlace, outgoingRecord } from '../../../connector/event/outgoing-record.ts'
import { clientReader, type ReadingRules } from '../../../connector/event/read-client.ts'
import type { OutputFormat } from '../../../connector/source/client-source.ts'
import { decodeAnswer } from '../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../connector/source/polaris/decode/page/decode-page.ts'
import { eventForm, textOf } from '../../support/records.ts'

// Pages become records, which are compared with the examples of the contract, byte by byte.

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const example = (name: string) => read(`contract/v1/examples/${name}`)
/** The JSON of an example, of which numbers keep their digits. */
const parsed = (name: string) =>
  JSON.parse(example(name), (_, value, at?: { readonly source?: string }) =>
    typeof value === 'number' ? rawJSON(at?.source ?? '') : value,
  )
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object }
/** The record value: the example without its line breaks. */
const recordValue = (name: string) => JSON.stringify(parsed(name))
const key = '0001042'
/** The record of an example in binary mode. */
function binaryRecord(name: string) {
  const { headers, value } = parsed(`${name}-binary.json`)
  return { target: 'events', key, value: JSON.stringify(value), headers }
}
/** The record of an example in structured mode. */
const structuredRecord = (name: string) => ({
  target: 'events',
  key,
  value: recordValue(`${name}.json`),
  headers: structuredHeaders('/polaris/shops/clients'),
})
const deadLetterRecord = (name: string) => ({
  target: 'deadLetters',
  key: null,
  value: recordValue(`${name}.json`),
  headers: parsed('dead-letter-headers.json'),
})

const timeZone = 'Europe/Paris'
const hmac = fieldHash('a key of thirty-two characters..')

interface Made extends Pick<Partial<ReadingRules>, 'fields' | 'types'> {
  readonly output: OutputFormat
  readonly mode?: EventMode
  readonly deadLetterClient?: 'leave-out' | 'include'
  readonly place?: Partial<EventPlace>
}

/** Converts the text of a response to records, as a stream does. */
function recordsOf({ output, mode = 'structured', deadLetterClient = 'leave-out', place = {}, ...rules }: Made) {
  const { fields, types } = rules
  const page = decodePage(decodeAnswer(read(`test/fixtures/events/page.${output}`)), { timeZone })
  const readClient = clientReader({ clientId: 'No', modifiedAt: 'DateModification' }, [], {
    timeZone,
    ignored: new Set(),
    lists: ['Cartes.Carte'],
    fields,
    hmac,
    types,
  })
  const source = '/polaris/shops/clients'
  const form = eventForm({ mode, source })
  const settings = { form, maxValueBytes: 1_000_000, deadLetterClient }
  const readAt = Date.parse('2026-06-15T10:00:00Z')
  const marks = { snapshot: true } as const
  const at = { sequence: 41, previous: 'g0', marks, readAt, idField: 'No', ...place }
  return page.clients.map((client) => textOf(outgoingRecord(readClient(client), at, settings).record))
}

const again = {
  sequence: 97,
  previous: '41',
  marks: { historycomplete: true, republished: '5d2c1a9e-6f0b-4c57-9a35-0d2f6f1c8b11' },
} as const
const minimised = fieldRules('keep', [
  ['Mail', 'hmac'],
  ['Adresse', 'drop'],
  ['Adresse.CodePostal', 'keep'],
])

describe.each(['xml', 'json'] as const)('the example in the consumer guide, read as %s', (output) => {
  test('a client becomes exactly this event, keyed by its id', () => {
    expect(recordsOf({ output })[0]).toEqual(structuredRecord('client-modified'))
    expect(recordsOf({ output, mode: 'binary' })[0]).toEqual(binaryRecord('client-modified'))
  })

  test('a client that is published again names the rewind', () => {
    expect(recordsOf({ output, place: again })[0]).toEqual(structuredRecord('client-republished'))
    expect(recordsOf({ output, mode: 'binary', place: again })[0]).toEqual(binaryRecord('client-republished'))
  })

  test('a client with dropped and hashed fields has the rest', () => {
    expect(recordsOf({ output, fields: minimised })[0]).toEqual(structuredRecord('client-minimised'))
    expect(recordsOf({ output, mode: 'binary', fields: minimised })[0]).toEqual(binaryRecord('client-minimised'))
  })

  test('a client with types has the digits of its numbers, and an id of its own', () => {
    const types = new Map<string, ValueType>([
      ['acceptemailing', 'boolean'],
      ['cartes.carte.points', 'integer'],
      ['chiffreaffaires', 'decimal'],
      ['nom', 'integer'],
    ])
    const [typed] = recordsOf({ output, types })
    expect(typed).toEqual(structuredRecord('client-typed'))
    expect(typed?.value).toContain('"ChiffreAffaires":1204.50')
    expect(recordsOf({ output, mode: 'binary', types })[0]).toEqual(binaryRecord('client-typed'))
  })

  test.each(eventModes)('a client without an id becomes this dead letter in %s mode, without its data', (mode) => {
    expect(recordsOf({ output, mode })[1]).toEqual(deadLetterRecord('dead-letter'))
    expect(example('dead-letter.json')).not.toContain('Sans')
  })

  test('the dead letter contains the client when the setting includes it', () => {
    const [, dead] = recordsOf({ output, deadLetterClient: 'include' })
    expect(dead).toEqual(deadLetterRecord('dead-letter-with-client'))
  })
})
