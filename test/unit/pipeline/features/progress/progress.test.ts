import { describe, expect, test } from 'vitest'
import { progress } from '../../../../../connector/pipeline/features/progress/progress.ts'
import { republish } from '../../../../../connector/pipeline/features/republish/republish.ts'
import type { PageGroup } from '../../../../../connector/pipeline/group/building.ts'
import type { PageReading } from '../../../../../connector/pipeline/read/page-reading.ts'
import {
  BACKFILL,
  FIRST_CONTINUED,
  FIRST_LOOK_BACK,
  FULL,
  REQUESTED,
  type Scan,
} from '../../../../../connector/scan/scan-state.ts'
import { openRepublications } from '../../../../support/fakes/open-republications.ts'
import { beginAt, MINUTE, noon, noonText, scanOf, statesOf } from '../../../scan/scans.ts'
import { building } from '../../builders.ts'
import { liveScan, reading } from '../../readings.ts'

const features = [republish, progress('client.modified')]
const record = { epoch: 1, seq: 7, nonce: 'n7' }

/** The events about completed scans that the transaction of the group ends with. */
const completedBy = ({ parts }: Pick<PageGroup, 'parts'>) =>
  parts
    .flatMap(({ lastRecord }) => lastRecord?.(record, [4n, 6n]) ?? [])
    .map(({ to, key, value }) => ({ to, key, ...JSON.parse(String(value)).data }))

const backfill = (more: Partial<Scan> = {}) =>
  scanOf({ kind: 'backfill', tag: BACKFILL, from: beginAt, startedAtOurs: noon - MINUTE, ...more })
const two = [{ No: '1' }, { No: '2' }]

function completedAfter(more: Partial<PageReading>, clients = two) {
  const on = building({ features })
  on.builder.add(reading(clients, { states: statesOf(), ...more }))
  return completedBy(on.delivered())
}

describe('the last page of a scan of all clients', () => {
  test('is published with a record that says what the scan has read, and where the topic ends', () => {
    expect(completedAfter({ scan: backfill({ pages: 3, clients: 202 }) })).toEqual([
      {
        to: 'progress',
        key: '/polaris/shop/clients/backfill',
        scan: 'backfill',
        lastChanged: beginAt,
        startedAt: '2026-06-15T09:59:00.000Z',
        endedAt: '2026-06-15T10:00:00.000Z',
        confirmed: true,
        pages: 3,
        clients: 202,
        events: 2,
        topic: 'client.modified',
        endOffsets: [4, 6],
      },
    ])
  })

  test('is published with it also when all its clients are unchanged', () => {
    const on = building({ features })
    on.builder.add(reading(two))
    on.delivered()
    on.builder.add(reading(two, { scan: scanOf({ kind: 'full', tag: FULL, from: beginAt }), states: statesOf() }))
    const group = on.delivered()
    expect(group.records).toEqual([])
    expect(completedBy(group)).toMatchObject([{ scan: 'full', events: 2 }])
  })

  test('names the scan once, and no page before it does', () => {
    const on = building({ features })
    on.builder.add(reading(two, { scan: backfill(), states: statesOf(), isLast: false }))
    expect(completedBy(on.delivered())).toEqual([])
    on.builder.add(reading([{ No: '3' }], { scan: backfill(), states: statesOf() }))
    expect(completedBy(on.delivered())).toHaveLength(1)
    on.builder.add(reading([{ No: '4' }]))
    expect(completedBy(on.delivered())).toEqual([])
  })

  test.each([
    ['ended with an empty page after pages with clients', {}, []],
    ['was resumed by a modification time, also in its repetition', { hasResumed: true, isFollowUp: true }, two],
  ])('does not confirm a scan that %s', (_, more, clients) => {
    expect(completedAfter({ scan: backfill(more) }, clients)).toMatchObject([{ confirmed: false }])
  })

  test.each([
    ['live scan', liveScan()],
    ['long live scan in the background', scanOf({ kind: 'live', tag: FIRST_CONTINUED })],
    ['look-back', scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, reachMs: 5 * MINUTE })],
  ])('says nothing of a %s', (_, scan) => {
    expect(completedAfter({ scan })).toEqual([])
  })
})

describe('a scan that publishes clients again', () => {
  /** A stream with two clients, which its scan for the request `id` returns again. */
  function publishedAgain(requested: Partial<Scan>, end: 'complete' | 'cancelled' = 'complete') {
    const operator = openRepublications()
    const { id } = operator.request()
    const on = building({ features, requests: operator.requests })
    on.builder.add(reading(two))
    on.delivered()
    const request = { id, maxPerSecond: 100 }
    const scan = scanOf({ kind: 'requested', tag: REQUESTED, from: beginAt, since: 2, request, ...requested })
    const read = (clients: typeof two, isLast: PageReading['isLast']) => {
      const states = statesOf({ background: isLast ? [] : [scan] })
      on.builder.add(reading(clients, { scan, states, isLast }))
      return on.delivered()
    }
    read([], false)
    if (end === 'cancelled') operator.cancel(id)
    read([], false)
    return completedBy(read(two, true))
  }

  test('is complete when all clients since the beginning were published again', () => {
    expect(publishedAgain({})).toMatchObject([{ scan: 'republish', key: '/polaris/shop/clients/republish', events: 4 }])
  })

  test.each([
    ['was cancelled', {}, 'cancelled'],
    ['is for clients that the operator has named', { request: { id: 'request 1', maxPerSecond: null } }, 'complete'],
    ['reads only the clients modified since a later time', { from: noonText }, 'complete'],
  ] as const)('says nothing when it %s', (_, requested, end) => {
    expect(publishedAgain(requested, end)).toEqual([])
  })
})
