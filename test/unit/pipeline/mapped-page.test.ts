import { expect, test } from 'vitest'
import { type FieldAction, fieldRules } from '../../../connector/event/fields/field-rules.ts'
import { noMapping } from '../../../connector/event/page-mapping.ts'
import { newScans } from '../../../connector/scan/scan-state.ts'
import type { ClientRecord, PageRequest } from '../../../connector/source/client-source.ts'
import { beginAt } from '../scan/scans.ts'
import { rules } from '../stream/open/open-parts.ts'
import { pageReader, type Respond } from './page-readers.ts'
import { pageOf } from './readings.ts'

// Pages are read one after another, and the next requests show what is known of them.

const path = ['Clients', 'Client']
/** A server whose live pages have these clients; its backfill has them only if `isBackfilled`. */
const server =
  (clients: readonly ClientRecord[], isBackfilled = false): Respond =>
  ({ lastChanged }) =>
    clients.length === 0 || (lastChanged === beginAt && !isBackfilled) ? pageOf([]) : pageOf(clients, { path })
const newStream = { scans: newScans, mapping: noMapping, settings: { lookBacks: [], output: 'xml' } } as const

test('what is known of pages is part of the next requests and of the readings, and reported once', async () => {
  const known: PageRequest['clientsPath'][] = []
  const { read, of } = pageReader(server([{ Id: '1', DateModification: '', Tel: ['a', 'b'] }], true), {
    ...newStream,
    fields: { clientId: null },
    onAsk: (ask) => known.push(ask.clientsPath),
  })
  const readings = await read(2)
  const found = { path, clientId: 'Id', modifiedAt: 'DateModification', matched: [] }
  const mapping = { xml: found, json: null, lists: ['Tel'] }
  expect(known).toEqual([undefined, path])
  expect(readings.map((reading) => reading.mapping)).toEqual([mapping, mapping])
  expect(of('field-detected')).toMatchObject([
    { setting: 'POLARIS_CLIENT_ID_FIELD', field: 'Id' },
    { setting: 'POLARIS_MODIFIED_AT_FIELD', field: 'DateModification' },
  ])
  expect(of('lists-found')).toMatchObject([{ fields: ['Tel'] }])
})

test('lists of JSON are those that the server writes: none is kept, and none is applied', async () => {
  const clients = [{ No: '1', Ref: 'c', Tel: ['a', 'b'] }]
  const mapping = { ...noMapping, lists: ['Ref'] }
  const { read, of } = pageReader(server(clients), { ...newStream, mapping, settings: { lookBacks: [] } })
  const [reading] = await read(1)
  expect(reading?.mapping.lists).toEqual(['Ref'])
  expect(reading?.clients.map(({ json }) => json)).toEqual(['{"No":"1","Ref":"c","Tel":["a","b"]}'])
  expect(of('lists-found')).toEqual([])
})

test('a modification time is looked for on later pages too, and the log says that there is none', async () => {
  const pages = [[{ No: '1', Nom: 'x' }], [{ No: '2', DateModif: 'y' }], [{ No: '3' }]]
  let page = 0
  const respond: Respond = () => pageOf(pages[page++] ?? [], { path })
  const { read, of } = pageReader(respond, newStream)
  const readings = await read(3)
  expect(readings.map(({ mapping }) => mapping.xml?.modifiedAt)).toEqual([null, 'DateModif', 'DateModif'])
  const setting = 'POLARIS_MODIFIED_AT_FIELD'
  expect(of('field-detected')).toMatchObject([
    { setting, field: 'none yet' },
    { setting, field: 'DateModif' },
  ])
})

test('a rule that misses its field holds the stream, and paths that no client has are reported once, after a history', async () => {
  const hashing = (fields: Record<string, FieldAction>) => ({
    ...rules,
    fields: fieldRules('keep', Object.entries(fields)),
  })
  const clients = [{ No: '1', Cartes: { Carte: { Numero: '17' } } }]
  const missed = pageReader(server(clients), { ...newStream, rules: hashing({ 'Cartes.Numero': 'hmac' }) })
  await expect(missed.next()).rejects.toMatchObject({ code: 'source.mapping' })
  const settings = { ...newStream.settings, fullScan: undefined }
  const { read, of } = pageReader(server(clients, true), { ...newStream, settings, rules: hashing({ Fax: 'drop' }) })
  await read(4)
  expect(of('paths-missing')).toEqual([{ kind: 'paths-missing', paths: ['event.fields: fax'] }])
})

test('a rule that has matched stays matched after a restart, for pages of the same format', async () => {
  const hashing = { ...rules, fields: fieldRules('keep', [['Cartes.Numero', 'hmac']]) }
  const matching = [{ No: '1', Cartes: { Numero: '17' } }]
  const first = pageReader(server(matching, true), { ...newStream, rules: hashing })
  const { mapping = expect.fail() } = (await first.read(1))[0] ?? {}
  expect(mapping.xml?.matched).toEqual(['cartes.numero'])
  const others = [{ No: '2', Cartes: { Carte: { Numero: '18' } } }]
  const restarted = pageReader(server(others, true), { ...newStream, mapping, rules: hashing })
  expect((await restarted.read(1))[0]?.clients).toHaveLength(1)
  const settings = { ...newStream.settings, output: 'json' } as const
  const inJson = pageReader(server(others, true), { ...newStream, mapping, settings, rules: hashing })
  await expect(inJson.next()).rejects.toMatchObject({
    code: 'source.mapping',
  })
})
