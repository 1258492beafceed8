import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { maskedRecord, maskedText, previewRecords } from '../../../../connector/inspect/preview/preview-records.ts'
import type { SourceTime } from '../../../../connector/source/client-source.ts'
import { never } from '../../../support/signals.ts'
import { fromEnvironment, leastEnvironment, valid } from '../../config/config-sources.ts'
import { pageOf } from '../../pipeline/readings.ts'
import { scriptedSource } from '../../pipeline/scripted-source.ts'
import { stage } from '../../stream/open/open-parts.ts'

// Clients are previewed as records, whose values are then searched for what must be masked.

const clients = [{ No: '17', Nom: 'Zyx' }, { Nom: 'Zyx' }, { No: '18', Nom: 'Wolph' }]

async function previewOf(isMasked: boolean, more: Record<string, string> = {}, pages = [pageOf(clients)]) {
  const config = connectorConfig(
    valid(fromEnvironment({ ...leastEnvironment, POLARIS_CLIENT_ID_FIELD: 'No', ...more })),
  )
  const [stream] = config.streams
  if (stream === undefined) throw new Error('no stream')
  const reader = {
    ...stage().pipelineParts.readerParts,
    source: scriptedSource(pages),
    settings: stream.poll,
    fields: stream.fields,
    rules: stream.rules,
    beginAt: '2020-02-02T00:00:00' as SourceTime,
  }
  return (await previewRecords(reader, { stream, isMasked, limit: 3 }, never)).records
}

test('prints events with the numbers of a new stream, and a client without id as a dead letter', async () => {
  const [first, dead, second] = await previewOf(false)
  expect(first).toMatchObject({
    topic: 'client.modified',
    key: '17',
    value: { source: '/polaris/shops/clients', sequence: '0'.padStart(20, '0'), subject: '17', data: clients[0] },
  })
  expect(dead).toMatchObject({
    topic: 'client.modified.dlq',
    key: null,
    value: { code: 'client-id-missing', field: 'No' },
  })
  expect(second).toMatchObject({ key: '18', value: { sequence: '1'.padStart(20, '0') } })
})

test('invariant 8: masks key and value', async () => {
  const shown = JSON.stringify(await previewOf(true))
  for (const text of ['17', 'Zyx', 'Wolph', (await previewOf(false))[0]?.value.id]) expect(shown).not.toContain(text)
})

test('invariant 8: masks the client and its attributes in binary mode, whatever the names and types of its fields', async () => {
  const page = pageOf([{ No: '17', type: 'Zyx', code: 'Wolph', Points: '47.10' }])
  const binary = { EVENT_MODE: 'binary', EVENT_TYPES: 'Points: decimal' }
  const [plain] = await previewOf(false, binary, [page])
  expect(plain).toMatchObject({ headers: { ce_subject: '17' }, value: { No: '17' } })
  expect(JSON.stringify(plain?.value)).toContain('"Points":47.10')
  const [masked] = await previewOf(true, binary, [page])
  expect(JSON.parse(JSON.stringify(masked))).toEqual({
    topic: 'client.modified',
    key: '99',
    headers: {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_type: 'client.modified',
      ce_source: '/polaris/shops/clients',
      ce_dataschema: 'urn:polaris-connector:client.modified:1',
      ce_sequence: '0'.padStart(20, '0'),
      ce_subject: '99',
      ce_snapshot: 'true',
      ce_id: maskedText(String(plain?.headers.ce_id)),
      ce_time: maskedText(String(plain?.headers.ce_time)),
    },
    value: { No: '99', Points: 99.99, code: 'xxx', type: 'xxx' },
  })
})

test.each([
  ['Marie-Zoé', 'xxx-xxx'],
  ['marie.zoe@example.com', 'xxx.xxx@xxx.xxx'],
  ['06 39 98 77 47', '99 99 99 99 99'],
  ['2026-01-31T13:45:00', '9999-99-99x99:99:99'],
  ['Ω ٣ 😀', 'x 9 x'],
  ['', ''],
  ['word '.repeat(20), `${'xxx '.repeat(10)}…`],
])('masks %j as %j', (text, masked) => expect(maskedText(text)).toBe(masked))

test('invariant 8: two values of the same form look the same, whatever their letters and digits', async () => {
  const word = fc.stringMatching(/^[A-Za-zÀ-ÖØ-öø-ÿ]{2,20} \d{4}$/)
  await fc.assert(fc.property(word, word, (one, other) => maskedText(one) === maskedText(other)))
})

test('invariant 8: keeps only the attributes of an event that say nothing about the client', () => {
  const data = { No: 'C-17', Adresse: { Ville: 'Lyon' }, Cartes: ['a1', { source: 'b2', empty: '' }] }
  expect(
    maskedRecord({
      specversion: '1.0',
      type: 'client.modified',
      source: '/polaris/a/b',
      sequence: '07',
      subject: 'C-17',
      id: '3f',
      time: '2026-01-31T13:45:00.000Z',
      data,
    }),
  ).toEqual({
    specversion: '1.0',
    type: 'client.modified',
    source: '/polaris/a/b',
    sequence: '07',
    subject: 'x-99',
    id: '9x',
    time: '9999-99-99x99:99:99.999x',
    data: { No: 'x-99', Adresse: { Ville: 'xxx' }, Cartes: ['x9', { source: 'x9', empty: '' }] },
  })
})
