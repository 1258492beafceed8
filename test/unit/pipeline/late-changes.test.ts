import { expect, test } from 'vitest'
import { beginning } from '../../../connector/checkpoint/stream-state.ts'
import { noStreamRequests } from '../../../connector/control/stream-requests.ts'
import { deadLetterGuard } from '../../../connector/event/dead-letter.ts'
import { rulesText } from '../../../connector/index/client-index.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { emptyIndex } from '../../../connector/index/index-state.ts'
import { changedAt, changeTime } from '../../../connector/pipeline/group/late-change.ts'
import { pageGroupBuilder } from '../../../connector/pipeline/group/page-group.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import { FIRST_LOOK_BACK, newScans, type Scan, type ScanStates } from '../../../connector/scan/scan-state.ts'
import type { Page, SourceTime } from '../../../connector/source/client-source.ts'
import { eventForm } from '../../support/records.ts'
import { someScan } from '../../support/scans.ts'
import { liveScan, mappedTo } from './readings.ts'

const MINUTE = 60_000
const noon = Date.parse('2026-06-15T12:00:00Z')
const from = '2026-06-15T11:00:00' as SourceTime
const settings: ScanSettings = {
  ...{
    intervalMs: 5000,
    maxIntervalMs: 5000,
    overlapMs: 15_000,
    lookBacks: [{ reachMs: 60 * MINUTE, everyMs: MINUTE }],
    limit: 100,
  },
  ...{ fullScan: undefined, backgroundShare: 0.5, backfill: 'beside' },
  ...{ output: 'json', timeZone: 'UTC' },
}
const states: ScanStates = { ...newScans, createdAt: 0, live: { startedAt: noon, scan: null }, backfill: 'done' }
const lookBack: Scan = someScan({
  kind: 'look-back',
  tag: FIRST_LOOK_BACK,
  reachMs: 60 * MINUTE,
  from,
  checkPoint: null,
  startedAt: noon,
  startedAtOurs: noon,
})

function building() {
  const events: PipelineEvent[] = []
  const rules = rulesText({ ignored: [], limits: '' })
  const parts = {
    settings: {
      form: eventForm(),
      maxValueBytes: 100_000,
      deadLetterClient: 'leave-out',
    },
    rules: { timeZone: 'UTC', ignored: new Set<string>(), fields: undefined },
    indexRules: rules,
    ...{ scanSettings: settings, beginAt: from },
    deadLetters: deadLetterGuard({ maxShare: 0.1, minimum: 10, of: 1000 }),
    requests: noStreamRequests,
    observe: (event: PipelineEvent) => events.push(event),
  } as const
  const state = { ...beginning, scans: states, index: { ...emptyIndex, rules: [rules] } }
  const builder = pageGroupBuilder(parts, { state, table: clientTable() })
  let next = 0
  /** A page of a look-back with clients that were modified ten minutes before the live scan. */
  const page = (clients: number, isFirst = false, modified = '2026-06-15T11:50:00') => {
    const read = Array.from({ length: clients }, () => ({ No: `${next++}`, Modif: modified }))
    const page: Page = {
      ...{ clients: read, hasMoreResults: true, checkPoint: null, serverTime: noon, tookMs: 0, bytes: 10 },
    }
    builder.add({
      ...{
        kind: 'page',
        page,
        scan: lookBack,
        states,
        mapping: mappedTo('No', 'Modif'),
        lists: [],
        isFirst,
        isLast: false,
        askedAt: 0,
        readAt: { ours: noon, server: noon },
      },
    })
    return builder.finish()
  }
  return { page, late: () => events.filter(({ kind }) => kind === 'late-changes') }
}

test('counts each late change with its delay, by scan', () => {
  const { page } = building()
  const { scans } = page(2, true)
  const late = { scan: 'look-back', ms: 10 * MINUTE }
  expect([...scans]).toEqual([['look-back', { events: 2, suppressed: 0, superseded: 0, late: [late, late] }]])
})

test('reports ten late changes of a scan once, also if they are on several pages', () => {
  const { page, late } = building()
  page(9, true)
  expect(late()).toEqual([])
  page(1)
  page(30)
  expect(late()).toEqual([{ kind: 'late-changes', scan: 'look-back', ms: 10 * MINUTE }])
})

test('starts again at 0 when the next scan begins', () => {
  const { page, late } = building()
  page(10, true)
  page(9, true)
  expect(late()).toHaveLength(1)
  page(1)
  expect(late()).toHaveLength(2)
})

test('reports nothing when the modification time has no time of day, since fresh changes look the same', () => {
  const { page, late } = building()
  expect(page(30, true, '2026-06-15').scans.get('look-back')?.late).toHaveLength(30)
  expect(late()).toEqual([])
})

test('tells when the changes of a live scan were made, by our clock, if their time of day is known', () => {
  const live = { scan: liveScan(), readAt: { ours: noon + 5 * MINUTE, server: noon } }
  const modified = (hasTimeOfDay: boolean) => ({ instant: noon - 3000, wallClock: from, hasTimeOfDay })
  expect(changedAt(modified(true), live)).toBe(noon + 5 * MINUTE - 3000)
  expect(changedAt(modified(false), live)).toBeUndefined()
  expect(changedAt(undefined, live)).toBeUndefined()
  expect(changedAt(modified(true), { ...live, scan: lookBack })).toBeUndefined()
})

test('knows when a change was made, by the clock of the server; without a time of day it counts as just made', () => {
  const now = { ours: noon + 5 * MINUTE, server: noon }
  const modified = (instant: number, hasTimeOfDay = true) => ({ instant, wallClock: from, hasTimeOfDay })
  expect(changeTime(modified(noon - 3000), now)).toBe(noon - 3000)
  for (const other of [modified(noon + 1), modified(noon - 3000, false), undefined])
    expect(changeTime(other, now)).toBe(noon)
})
