import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { clientRecord } from '../../../connector/event/client-record.ts'
import { fieldAttributes, fieldHash, fieldRules } from '../../../connector/event/field-rules.ts'
import type { ValueType } from '../../../connector/event/field-types.ts'
import { clientReader, type ReadingRules } from '../../../connector/event/read-client.ts'
import type { OutputFormat } from '../../../connector/source/client-source.ts'
import { decodeAnswer, wholePage } from '../../support/decode-answer-body.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const example = (name: string) => read(`contract/v1/examples/${name}`)
/** The record value: the example without its line breaks. Numbers keep their digits. */
const recordValue = (name: string) =>
  JSON.stringify(
    JSON.parse(example(name), (_, value, at?: { readonly source?: string }) =>
      typeof value === 'number' ? rawJSON(at?.source ?? '') : value,
    ),
  )
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object }

const timeZone = 'Europe/Paris'
const hmac = fieldHash('a key of thirty-two characters..')

/** Converts the text of a response to records, as a stream does. */
function recordsOf(
  output: OutputFormat,
  deadLetterClient: 'leave-out' | 'include' = 'leave-out',
  more = {},
  { fields, types }: Pick<Partial<ReadingRules>, 'fields' | 'types'> = {},
) {
  const page = wholePage(decodeAnswer(read(`test/fixtures/events/page.${output}`), { timeZone }), {})
  const readClient = clientReader(
    { clientId: 'No', modifiedAt: 'DateModification' },
    { timeZone, ignored: new Set(), lists: ['Cartes'], fields, hmac, types },
  )
  const settings = {
    extensions: fieldAttributes(fields, hmac),
    source: '/polaris/shops/clients',
    dataSchema: 'urn:polaris-connector:client.modified:1',
    maxValueBytes: 1_000_000,
    deadLetterClient,
  }
  const place = { sequence: 41, previous: 'g0', readAt: Date.parse('2026-06-15T10:00:00Z'), idField: 'No' }
  const at = { ...place, ...more }
  return page.clients.map((client) => clientRecord(readClient(client), at, settings).record)
}

describe.each(['xml', 'json'] as const)('the example in the consumer guide, read as %s', (output) => {
  test('a client becomes exactly this event, keyed by its id', () => {
    expect(recordsOf(output)[0]).toEqual({ to: 'events', key: '0001042', value: recordValue('client-modified.json') })
  })

  test('a client that is published again names the request', () => {
    const [again] = recordsOf(output, 'leave-out', {
      ...{ sequence: 97, previous: '41', request: '5d2c1a9e-6f0b-4c57-9a35-0d2f6f1c8b11' },
    })
    expect(again).toEqual({ to: 'events', key: '0001042', value: recordValue('client-republished.json') })
  })

  test('a client with dropped and hashed fields names the rules and the key', () => {
    const rules = fieldRules('keep', [
      ['Mail', 'hmac'],
      ['Adresse', 'drop'],
      ['Adresse.CodePostal', 'keep'],
    ])
    const [minimised] = recordsOf(output, 'leave-out', {}, { fields: rules })
    expect(minimised).toEqual({ to: 'events', key: '0001042', value: recordValue('client-minimised.json') })
  })

  test('a client with types has the digits of its numbers, and the id of the event without types', () => {
    const types = new Map<string, ValueType>([
      ['acceptemailing', 'boolean'],
      ['cartes.points', 'integer'],
      ['chiffreaffaires', 'decimal'],
      ['datemodification', 'date-time'],
      ['nom', 'integer'],
    ])
    const [typed] = recordsOf(output, 'leave-out', {}, { types })
    expect(typed).toEqual({ to: 'events', key: '0001042', value: recordValue('client-typed.json') })
    expect(typed?.value).toContain('"ChiffreAffaires":1204.50')
  })

  test('a client without an id becomes exactly this dead letter, without client data', () => {
    expect(recordsOf(output)[1]).toEqual({ to: 'deadLetters', key: null, value: recordValue('dead-letter.json') })
    expect(example('dead-letter.json')).not.toContain('Sans')
  })

  test('the dead letter contains the client when the setting includes it', () => {
    expect(recordsOf(output, 'include')[1]).toEqual({
      to: 'deadLetters',
      key: null,
      value: recordValue('dead-letter-with-client.json'),
    })
  })
})
