import { describe, expect, test } from 'vitest'
import { unmapped } from '../../../connector/event/page-mapping.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { BACKFILL, FIRST_LOOK_BACK, LIVE, newScans } from '../../../connector/scan/scan-state.ts'
import type { ClientRecord, PageRequest } from '../../../connector/source/client-source.ts'
import { backfillOf } from '../../support/scans.ts'
import { beginAt, MINUTE, noon, noonText, scanOf, statesOf } from '../scan/scans.ts'
import { kindsOf, nothingProcessed, pageReader, type Respond } from './page-readers.ts'
import { mappedTo, pageOf } from './readings.ts'

const place = { path: ['Clients', 'Client'], isCertain: true }
const isBackfill = ({ lastChanged }: Pick<PageRequest, 'lastChanged'>) => lastChanged === beginAt
const nameless = (count: number): ClientRecord[] => Array.from({ length: count }, (_, at) => ({ Nom: `${at}` }))
/** A server whose live pages and whose backfill have these clients. */
const server =
  (live: () => readonly ClientRecord[], backfill: () => readonly ClientRecord[]): Respond =>
  (ask) => {
    const clients = isBackfill(ask) ? backfill() : live()
    return pageOf(clients, { place: clients.length === 0 ? undefined : place })
  }
const newStream = { states: newScans, mapping: unmapped, settings: { lookBacks: [] } }

describe('until a client has a valid id', () => {
  test('no resume point passes a page without any, which is read again, and live scans continue', async () => {
    const lonely = server(
      () => nameless(1),
      () => [],
    )
    const { read, asked, of } = pageReader(lonely, newStream)
    const [first] = await read(1)
    expect(first).toMatchObject({ scan: { tag: BACKFILL }, states: { live: { startedAt: null, scan: null } } })
    expect(first?.mapping).toMatchObject({ json: null, settings: { clientId: 'No' } })
    expect(asked.map(isBackfill)).toEqual([false, true])
    expect(of('scan-paused')).toMatchObject([{ scan: 'live', code: 'source.mapping' }])
  })

  test('Invariant 1: what was not passed is delivered once an id is found, from where the stream began', async () => {
    let backfill = nameless(2)
    const { next, asked, clock, of } = pageReader(
      server(
        () => nameless(1),
        () => backfill,
      ),
      newStream,
    )
    const coming = next()
    while (asked.filter(isBackfill).length < 2) await new Promise(setImmediate)
    backfill = [{ No: '1' }, ...nameless(2)]
    const first = await coming
    expect(first).toMatchObject({ scan: { tag: BACKFILL }, page: { clients: backfill } })
    expect(first.mapping.json).toEqual({ path: place.path, clientId: 'No', modifiedAt: null })
    const second = await next()
    expect(second).toMatchObject({ scan: { tag: LIVE, from: '2026-06-15T11:59:45' }, page: { clients: nameless(1) } })
    expect(clock.now() - noon).toBeGreaterThanOrEqual(MINUTE)
    expect(of('scan-paused').map(({ scan }) => scan)).toEqual(['live', 'backfill'])
  })

  test('a single client without one does not hold the stream, however often it is read', async () => {
    const { read, asked } = pageReader(
      server(
        () => nameless(1),
        () => [],
      ),
      newStream,
    )
    await read(1)
    expect(asked.length).toBeLessThan(5)
    const lonely = pageReader(
      server(
        () => nameless(1),
        () => nameless(1),
      ),
      newStream,
    )
    void lonely.next().catch(() => {})
    for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate)
    expect(lonely.asked.length).toBeGreaterThan(100)
    expect(lonely.of('scan-paused')).toHaveLength(2)
    lonely.stopping.abort(new Error('stopped'))
  })

  test('ten clients hold it, on one page or together, whatever the scan', async () => {
    const codeOfReading = (live: ClientRecord[], backfill: ClientRecord[]) =>
      pageReader(
        server(
          () => live,
          () => backfill,
        ),
        newStream,
      )
        .read(5)
        .then(String, codeOf)
    expect(await codeOfReading(nameless(10), [])).toBe('source.mapping')
    expect(await codeOfReading(nameless(4), nameless(6))).toBe('source.mapping')
    expect(await codeOfReading([], nameless(10))).toBe('source.mapping')
    expect(await codeOfReading([], [{ n: '2', Client: [{ Nom: 'x' }, { Nom: 'y' }] }])).toBe('source.mapping')
  })

  test('a stream that is to be caught up fails at once', async () => {
    const { next } = pageReader(
      server(
        () => nameless(1),
        () => [],
      ),
      { ...newStream, until: 'caught-up' },
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
    expect(kindsOf(await read(3))).toEqual(['live*', 'backfill*', 'live*'])
  })
})

describe('what is known of pages', () => {
  test('is part of the next requests, and of the readings, per output format', async () => {
    const known: PageRequest['known'][] = []
    const { read, of } = pageReader(
      server(
        () => [{ Id: '1' }],
        () => [{ Id: '1' }],
      ),
      {
        ...newStream,
        fields: { clientId: null },
        onAsk: (ask) => known.push(ask.known),
      },
    )
    const readings = await read(2)
    const found = { path: place.path, clientId: 'Id', modifiedAt: null }
    const settings = { clientId: null, clients: null }
    expect(known).toEqual([undefined, { path: place.path, clientId: 'Id' }])
    expect(readings.map(({ mapping }) => mapping)).toEqual([
      { settings, xml: null, json: found, lists: [] },
      { settings, xml: null, json: found, lists: [] },
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

  test('is wrong for a background scan alone when only that fails: it pauses', async () => {
    const wrong = [{ n: '2', Client: [{ No: '1' }, { No: '2' }] }]
    const states = statesOf({ backfill: backfillOf('first') })
    const { read, of } = pageReader(
      server(
        () => [],
        () => wrong,
      ),
      { states, settings: { lookBacks: [] } },
    )
    expect(kindsOf(await read(2))).toEqual(['live*', 'live*'])
    expect(of('scan-paused')).toMatchObject([{ scan: 'backfill', code: 'source.mapping' }])
  })
})

test('modification times that cannot be parsed are reported once', async () => {
  const clients = (time: string) => Array.from({ length: 6 }, (_, at) => ({ No: `${at}`, Modif: time }))
  const events = async (times: readonly string[]) => {
    const left = [...times]
    const mapping = mappedTo('No', 'Modif')
    const states = statesOf()
    const { read, of } = pageReader(() => pageOf(clients(left.shift() ?? '')), {
      ...{ states, mapping, settings: { lookBacks: [] }, fields: { modifiedAt: 'Modif' } },
    })
    await read(times.length)
    return of('times-unreadable')
  }
  expect(await events(['31/01/2024 13:45', '1/31/2024 1:45:00 PM', 'x'])).toEqual([
    { kind: 'times-unreadable', field: 'Modif' },
  ])
  expect(await events(['2024-01-31T13:45:00', 'x', 'x', 'x'])).toEqual([])
  expect(await events(['', ' ', ''])).toEqual([])
})

describe('another configured id field or place of the clients', () => {
  const live = scanOf({ kind: 'live', tag: LIVE })
  const lookBack = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, reachMs: 5 * MINUTE })
  const states = statesOf({
    live: { startedAt: noon - MINUTE, scan: live },
    background: [lookBack],
    interleaving: 'proven',
  })
  const settings = { lookBacks: [{ reachMs: 5 * MINUTE, everyMs: MINUTE }] }
  const all: Respond = () => pageOf([{ No: '1' }], { place })

  test('Invariant 1: begins the scans in progress again, and the backfill if nothing was ever published', async () => {
    const fields = { clients: 'Clients.Client' }
    const { read, asked, of } = pageReader(all, { states, settings, fields })
    const readings = await read(3)
    expect(asked.every(({ checkPoint }) => checkPoint === null)).toBe(true)
    expect(asked.map(({ lastChanged }) => lastChanged)).toEqual(['2026-06-15T11:58:45', noonText, beginAt])
    expect(kindsOf(readings)).toEqual(['live*', 'look-back*', 'backfill*'])
    expect(of('scan-started').map(({ scan }) => scan)).toEqual(['look-back', 'live', 'backfill'])
  })

  test('leaves the backfill done if clients were published', async () => {
    const processed = { ...nothingProcessed, events: () => 1 }
    const { read } = pageReader(all, { states, settings, processed, fields: { clients: 'Clients.Client' } })
    expect(kindsOf(await read(3))).toEqual(['live*', 'look-back*', 'live*'])
  })

  test('changes nothing if it names what was found', async () => {
    const mapping = { ...mappedTo('No', null), settings: { clientId: null, clients: null } }
    const { read, asked } = pageReader(all, { states, settings, mapping })
    await read(3)
    expect(asked.filter(({ checkPoint }) => checkPoint === 't2')).toHaveLength(2)
  })
})
