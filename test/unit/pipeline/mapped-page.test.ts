import { describe, expect, test } from 'vitest'
import { unmapped } from '../../../connector/event/page-mapping.ts'
import { newScans } from '../../../connector/scan/scan-state.ts'
import type { ClientRecord, PageRequest } from '../../../connector/source/client-source.ts'
import { beginAt, statesOf } from '../scan/scans.ts'
import { kindsOf, pageReader, type Respond } from './page-readers.ts'
import { mappedTo, pageOf } from './readings.ts'

const path = ['Clients', 'Client']
const isBackfill = ({ lastChanged }: Pick<PageRequest, 'lastChanged'>) => lastChanged === beginAt
const nameless = (count: number): ClientRecord[] => Array.from({ length: count }, (_, at) => ({ Nom: `${at}` }))
/** A server whose live pages and whose backfill have these clients. */
const server =
  (live: () => readonly ClientRecord[], backfill: () => readonly ClientRecord[]): Respond =>
  (ask) => {
    const clients = isBackfill(ask) ? backfill() : live()
    return pageOf(clients, { path: clients.length === 0 ? undefined : path })
  }
const newStream = { states: newScans, mapping: unmapped, settings: { lookBacks: [] } }

test('a first page on which no client has an id holds the stream', async () => {
  const { next } = pageReader(
    server(
      () => nameless(1),
      () => [],
    ),
    newStream,
  )
  await expect(next()).rejects.toMatchObject({ code: 'source.mapping' })
})

test('empty pages are passed', async () => {
  const { read } = pageReader(
    server(
      () => [],
      () => [],
    ),
    newStream,
  )
  expect(kindsOf(await read(3))).toEqual(['live*', 'history*', 'live*'])
})

describe('what is known of pages', () => {
  test('is part of the next requests, and of the readings, per output format', async () => {
    const known: PageRequest['clientsPath'][] = []
    const { read, of } = pageReader(
      server(
        () => [{ Id: '1' }],
        () => [{ Id: '1' }],
      ),
      {
        ...newStream,
        fields: { clientId: null },
        onAsk: (ask) => known.push(ask.clientsPath),
      },
    )
    const readings = await read(2)
    const found = { path, clientId: 'Id', modifiedAt: null }
    expect(known).toEqual([undefined, path])
    expect(readings.map(({ mapping }) => mapping)).toEqual([
      { xml: null, json: found, lists: [] },
      { xml: null, json: found, lists: [] },
    ])
    expect(of('field-detected')).toEqual([{ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: 'Id' }])
  })

  test('is not reported when it is configured or was found before', async () => {
    const { read, of } = pageReader(
      server(
        () => [{ No: '1' }],
        () => [],
      ),
      newStream,
    )
    await read(2)
    const later = pageReader(
      server(
        () => [{ No: '1' }],
        () => [],
      ),
      { states: statesOf(), mapping: mappedTo('No', null) },
    )
    await later.read(1)
    expect([...of('field-detected'), ...later.of('field-detected')]).toEqual([])
  })
})
