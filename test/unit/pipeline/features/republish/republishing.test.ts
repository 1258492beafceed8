import { describe, expect, test } from 'vitest'
import type { Republication } from '../../../../../connector/control/stream-requests.ts'
import { clientKey, keyAsText } from '../../../../../connector/index/index-entry.ts'
import { republish } from '../../../../../connector/pipeline/features/republish/republish.ts'
import type { PageReading } from '../../../../../connector/pipeline/read/page-reading.ts'
import { BACKFILL, LIVE, REQUESTED, type Scan } from '../../../../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../../../../connector/source/client-source.ts'
import { openRepublications } from '../../../../support/fakes/open-republications.ts'
import type { TextRecord } from '../../../../support/records.ts'
import { entry } from '../../../index/entries.ts'
import { beginAt, provenUpTo, scanOf, statesOf, timeText } from '../../../scan/scans.ts'
import { building, reportsOf, start } from '../../builders.ts'
import { liveScan, reading } from '../../readings.ts'

const client = (No: string, Nom = 'a') => ({ No, Nom })
const all = { kind: 'all', maxPerSecond: 100 } as const
const clients = (...ids: readonly string[]): Republication['wanted'] => ({
  kind: 'clients',
  keys: ids.map((id) => keyAsText(clientKey(id))),
})

interface Marked {
  readonly id: string
  readonly sequence: string
  readonly republished?: string
  readonly data: { readonly No: string; readonly Nom: string }
}
const parsed = ({ value }: TextRecord) => JSON.parse(String(value)) as Marked
const shown = (records: readonly TextRecord[]) =>
  records.map(parsed).map(({ republished, data: { No, Nom } }) => `${No}${Nom}${republished === undefined ? '' : '!'}`)

/** A stream that has published the clients 1, 2 and 3, and is to publish some of them again. */
function publishingAgain(wanted: Republication['wanted'] = all) {
  const operator = openRepublications()
  const { id } = operator.request({ wanted })
  const on = building({ features: [republish], requests: operator.requests })
  const publish = (page: readonly ClientRecord[], more: Partial<PageReading> = {}) => {
    on.builder.add(reading(page, more))
    return on.delivered()
  }
  const first = publish([client('1'), client('2'), client('3')])
  const scan = (more: Partial<Scan> = {}) =>
    scanOf({ kind: 'requested', tag: REQUESTED, from: beginAt, since: 3, request: { id, maxPerSecond: null }, ...more })
  const again = (page: readonly ClientRecord[], more: Partial<PageReading> = {}) => {
    const states = statesOf({ background: more.isLast ? [] : [scan()] })
    return publish(page, { scan: scan(), states, isFirst: false, isLast: false, ...more })
  }
  const restarted = () =>
    building({ features: [republish], requests: operator.requests }, { state: on.state(), table: on.table })
  const [part] = on.builder.parts
  const isWanted = () => part?.scans?.isWanted(id)
  return {
    ...on,
    operator,
    id,
    first,
    publish,
    scan,
    again,
    restarted,
    isWanted,
    stored: () => on.state().parts.republish,
  }
}

describe('a scan that publishes again', () => {
  test('publishes unchanged clients, marked with the request; new and changed ones are events as always', () => {
    const { again, id, first, stored } = publishingAgain()
    const { records, scans } = again([client('1'), client('2', 'b'), client('4')])
    expect(shown(records)).toEqual(['1a!', '2b', '4a'])
    expect(records.map(parsed).map(({ republished }) => republished)).toEqual([id, undefined, undefined])
    expect(scans.get('requested')).toMatchObject({ events: 3, suppressed: 0, superseded: 0 })
    expect(stored()).toMatchObject({ published: 1, changed: 2 })
    // Event numbers continue, and no id is used twice.
    const everything = [...first.records, ...records].map(parsed)
    expect(everything.map(({ sequence }) => Number(sequence))).toEqual([0, 1, 2, 3, 4, 5])
    expect(new Set(everything.map((event) => event.id)).size).toBe(6)
  })

  test('Invariant 2: publishes each client once, also if its page is read again after a restart', () => {
    const { again, restarted, scan, id } = publishingAgain()
    again([client('1'), client('2'), client('1')])
    const { builder, delivered, state } = restarted()
    builder.add(reading([client('1'), client('2'), client('3')], { scan: scan(), states: statesOf(), isLast: true }))
    expect(shown(delivered().records)).toEqual(['3a!'])
    expect(state().carriedOut).toEqual([{ id, outcome: 'complete', published: 3, changed: 0, missing: [] }])
  })

  test('Invariant 2: publishes each client once, also if the scan begins again because its first page was not finished', () => {
    const { again, restarted, scan, operator } = publishingAgain()
    const many = Array.from({ length: 2_001 }, (_, at) => client(String(at + 10)))
    again([client('1'), ...many])
    const { builder, delivered } = restarted()
    const first = reading([client('1'), client('2')], { scan: scan({ since: 3_000 }), states: statesOf() })
    builder.add(first)
    expect(shown(delivered().records)).toEqual(['2a!'])
    expect(operator.carriedOut).toEqual([])
  })

  test('does not publish what a live scan has published since it began', () => {
    const { publish, again } = publishingAgain()
    publish([client('1', 'b')], { scan: liveScan() })
    expect(shown(again([client('1', 'b')]).records)).toEqual([])
  })

  test('Invariant 3: does not publish an older content of a client that was published since it began', () => {
    const { publish, again, state } = publishingAgain()
    publish([client('1', 'b')], { scan: liveScan() })
    const { records, scans } = again([client('1', 'a')])
    expect(records).toEqual([])
    expect(scans.get('requested')).toMatchObject({ superseded: 1 })
    expect(state().recheck).not.toBeNull()
  })

  test('publishes no dead letter again', () => {
    const { publish, again, scan } = publishingAgain()
    publish([{ Nom: 'no id' }])
    const { records, deadLetters } = again([{ Nom: 'no id' }], { scan: scan({ since: 9 }) })
    expect([records, deadLetters]).toEqual([[], 0])
  })

  test('does not make other scans publish unchanged clients', () => {
    const { publish } = publishingAgain()
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL, since: 3 })
    expect(publish([client('1')], { scan: backfill }).records).toEqual([])
    expect(publish([client('1')], { scan: liveScan({ tag: LIVE }) }).records).toEqual([])
  })

  test('is complete with its last page: how many were published is part of that transaction', () => {
    const { again, id, state, stored } = publishingAgain()
    again([client('1')])
    expect(stored()).toEqual({ id, since: 3, published: 1, changed: 0, missing: null })
    expect(state().carriedOut).toEqual([])
    const group = again([client('2')], { isLast: true })
    const counts = { outcome: 'complete', published: 2, changed: 0 }
    expect(reportsOf(group, 'republish-ended')).toMatchObject([{ request: id, ...counts, missing: 0 }])
    const carriedOut = [{ id, ...counts, missing: [] }]
    expect(state()).toMatchObject({ parts: {}, carriedOut, scans: { background: [] } })
  })
})

describe('a scan that publishes named clients again', () => {
  test('publishes only these, and ends early once it has read all of them', () => {
    const { again, id, state, stored, isWanted } = publishingAgain(clients('1', '3'))
    expect(shown(again([client('1'), client('2')]).records)).toEqual(['1a!'])
    expect(stored()).toMatchObject({ missing: [keyAsText(clientKey('3'))] })
    expect(isWanted()).toBe(true)
    expect(shown(again([client('2'), client('3')]).records)).toEqual(['3a!'])
    expect(isWanted()).toBe(false)
    expect(state()).toMatchObject({ carriedOut: [{ id, outcome: 'complete', published: 2, changed: 0, missing: [] }] })
    expect(state().scans.background).toEqual([])
  })

  test('settles no recheck when it ends early', () => {
    const { publish, again, state } = publishingAgain(clients('3'))
    publish([client('1', 'b')], { scan: liveScan() })
    again([client('1', 'a'), client('3')])
    expect(state().carriedOut).toHaveLength(1)
    expect(state().recheck).not.toBeNull()
  })

  test('publishes nothing marked in pages that were read before it ended', () => {
    const { again, state } = publishingAgain(clients('3'))
    again([client('3')])
    const { records } = again([client('3'), client('1')])
    expect(records).toEqual([])
    expect(state().scans.background).toEqual([])
    expect(state().carriedOut).toHaveLength(1)
  })

  test('remembers what is missing across a restart, and reports it at its end', () => {
    const { again, restarted, scan, id } = publishingAgain(clients('1', '3', '9'))
    again([client('1')])
    const { builder, delivered, state } = restarted()
    builder.add(reading([client('3')], { scan: scan(), states: statesOf(), isFirst: false, isLast: true }))
    delivered()
    const missing = [keyAsText(clientKey('9'))]
    expect(state().carriedOut).toEqual([{ id, outcome: 'complete', published: 2, changed: 0, missing }])
  })

  test('counts a client as found that is changed, new or a dead letter', () => {
    const { again, state } = publishingAgain(clients('1', '4'))
    expect(shown(again([client('1', 'b'), client('4')]).records)).toEqual(['1b', '4a'])
    expect(state().carriedOut).toMatchObject([{ published: 0, changed: 2, missing: [] }])
  })
})

describe('a cancelled request', () => {
  test('ends with the next page of any scan, and its scan with it', () => {
    const { operator, publish, again, id, scan, state, isWanted } = publishingAgain()
    again([client('1')])
    operator.cancel(id)
    expect(isWanted()).toBe(false)
    publish([], { scan: liveScan(), states: statesOf({ background: [scan()] }) })
    const carriedOut = [{ id, outcome: 'cancelled', published: 1, changed: 0, missing: [] }]
    expect(state()).toMatchObject({ parts: {}, carriedOut, scans: { background: [] } })
    expect(again([client('2')]).records).toEqual([])
  })

  test('that has not begun is confirmed too', () => {
    const { operator, publish, state } = publishingAgain()
    const { id } = operator.request()
    operator.cancel(id)
    publish([])
    expect(state().carriedOut).toEqual([{ id, outcome: 'cancelled', published: 0, changed: 0, missing: [] }])
  })

  test('stays in the state with its id only once the control object shows it', () => {
    const { operator, again, publish, id, state } = publishingAgain()
    again([client('1')], { isLast: true })
    expect(state().carriedOut).toHaveLength(1)
    operator.requests.carriedOut(state().carriedOut)
    publish([])
    expect(state().carriedOut).toEqual([{ id }])
    expect(operator.carriedOut).toMatchObject([{ id }])
  })
})

describe('its progress', () => {
  const progressed = (clients: number, more: Partial<Scan>) => {
    const { again, operator, scan, table } = publishingAgain()
    for (let at = 3; at < clients; at += 1) table.set(clientKey(`more ${at}`), entry(at))
    const read = scan({ clients: 2, ...more })
    again([client('1'), client('2', 'b')], { scan: read, states: statesOf({ background: [read] }) })
    return operator.progress.at(-1)
  }

  test('of the whole history, is the share of the clients in the index', () => {
    expect(progressed(8, {})).toEqual({ id: 'request 1', published: 1, changed: 1, clients: 2, share: 0.25 })
    expect(progressed(3, { clients: 200 })?.share).toBe(1)
  })

  test('since a later time, follows from the modification times, and is unknown without them', () => {
    const from = timeText('2026-06-15T11:20:00')
    expect(progressed(3, { from, order: provenUpTo('2026-06-15T11:30:00') })?.share).toBeCloseTo(0.25)
    expect(progressed(3, { from })?.share).toBeNull()
  })

  test('is reported again when the stream is opened again', () => {
    const { again, operator, restarted } = publishingAgain()
    again([client('1')])
    operator.progress.splice(0)
    restarted()
    expect(operator.progress).toMatchObject([{ id: 'request 1', published: 1 }])
  })
})

test('a stored state that cannot be parsed holds the stream, and its values stay secret', () => {
  const state = {
    ...start,
    parts: { republish: { id: 'one', since: 'a secret', published: 0, changed: 0, missing: null } },
  }
  const message = 'read checkpoint: invalid state of a part at republish.since'
  const damaged = expect.objectContaining({ code: 'checkpoint.damaged', message })
  expect(() => building({ features: [republish] }, { state })).toThrow(damaged)
})

test('what another version has stored for a part that this one does not have is kept', () => {
  const state = { ...start, parts: { other: { a: 1 } } }
  const on = building({ features: [republish] }, { state })
  on.builder.add(reading([client('1')]))
  expect(on.delivered().change.parts).toEqual({ other: { a: 1 } })
})
