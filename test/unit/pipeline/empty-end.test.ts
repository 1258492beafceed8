import { describe, expect, test } from 'vitest'
import { FULL, type ScanStates } from '../../../connector/scan/scan-state.ts'
import type { Page } from '../../../connector/source/client-source.ts'
import { backfillOf } from '../../support/scans.ts'
import { beginAt, MINUTE, noon, scanOf, statesOf } from '../scan/scans.ts'
import { failure, pageReader, type Respond } from './page-readers.ts'
import { pageOf, token } from './readings.ts'

const fullScan = { everyMs: 7 * 86_400_000 }
const kinds = ['backfill', 'full'] as const
type Kind = (typeof kinds)[number]

const starting: Record<Kind, Partial<ScanStates>> = {
  backfill: { backfill: backfillOf('first') },
  full: { fullDueAt: noon },
}

/** The long scan gets these answers, one after another; live scans are empty. */
function reader(kind: Kind, ...answers: readonly (Page | Error)[]) {
  const left = [...answers]
  const respond: Respond = ({ lastChanged }) => (lastChanged > beginAt ? pageOf([]) : (left.shift() ?? pageOf([])))
  const settings = { lookBacks: [], fullScan, intervalMs: 60 * MINUTE }
  const on = pageReader(respond, { settings, states: statesOf(starting[kind]) })
  const readings = async (count: number) => {
    const found = []
    while (found.length < count) {
      const next = await on.next()
      if (next.scan.kind === kind) found.push(next)
    }
    return found
  }
  return { ...on, readings, requests: () => on.asked.filter(({ lastChanged }) => lastChanged === beginAt) }
}

const first = pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: token('t1') })
const empty = pageOf([], { checkPoint: token('t2') })

describe.each(kinds)('a %s scan that ends with an empty page after pages with clients', (kind) => {
  test('repeats that request a minute later, and resumes from that response', async () => {
    const more = pageOf([{ No: '2' }], { hasMoreResults: true, checkPoint: token('t2') })
    const on = reader(kind, first, empty, more, pageOf([{ No: '3' }]))
    const [, end, again, last] = await on.readings(4)
    const requests = on.requests()
    expect(requests.map(({ checkPoint }) => checkPoint)).toEqual([null, 't1', 't1', 't2'])
    expect((requests[2]?.at ?? 0) - (requests[1]?.at ?? 0)).toBe(MINUTE)
    expect([end?.isLast, again?.isLast, last?.isLast]).toEqual([false, false, true])
    expect(last?.scan.end).toBe('repeated')
  })

  test.each([
    ['empty again', empty],
    ['refused', failure('source.request-refused')],
    ['failed', failure('source.unreachable')],
  ])('is done when it is %s: it never begins again for that', async (_how, answer) => {
    const on = reader(kind, first, empty, answer)
    const [, , last] = await on.readings(3)
    expect(last).toMatchObject({ isLast: true, page: { clients: [] }, scan: { clients: 1 } })
    expect(on.requests().map(({ checkPoint }) => checkPoint)).toEqual([null, 't1', 't1'])
    expect([on.of('checkpoint-refused'), on.of('scan-paused')]).toEqual([[], []])
  })

  test('repeats only one end of a scan, even if the scan begins again after it', async () => {
    const refused = failure('source.request-refused')
    const more = pageOf([{ No: '2' }], { hasMoreResults: true, checkPoint: token('t2') })
    // After its token was refused, and the call without it succeeded, the scan begins again.
    const on = reader(kind, first, empty, more, refused, first, first, empty)
    const readings = await on.readings(5)
    expect(on.requests().map(({ checkPoint }) => checkPoint)).toEqual([null, 't1', 't1', 't2', null, null, 't1'])
    expect(readings.at(-1)).toMatchObject({ isLast: true })
  })
})

test.each([
  ['a scan without any client', []],
  ['a scan whose last page has a client', [pageOf([{ No: '1' }])]],
])('%s ends at once', async (_what, answers) => {
  const [last] = await reader('backfill', ...answers).readings(1)
  expect(last?.isLast).toBe(true)
})

test('a look-back ends with an empty page', async () => {
  const scan = scanOf({ kind: 'look-back', tag: 4, reachMs: 5 * MINUTE })
  const states = statesOf({ background: [scan] })
  const on = pageReader(() => empty, { states })
  const readings = await on.read(2)
  expect(readings.find(({ scan: of }) => of.kind === 'look-back')).toMatchObject({ isLast: true })
})

test('after a restart, the request is still repeated only once', async () => {
  const scan = scanOf({ kind: 'full', tag: FULL, from: beginAt, lastChanged: beginAt, end: 'repeat' })
  const respond: Respond = ({ checkPoint, lastChanged }) =>
    lastChanged === beginAt && checkPoint === null
      ? first
      : lastChanged === beginAt
        ? failure('source.unreachable')
        : empty
  const settings = { lookBacks: [], fullScan, intervalMs: 60 * MINUTE }
  const on = pageReader(respond, { settings, states: statesOf({ background: [scan], fullDueAt: noon + MINUTE }) })
  const readings = await on.read(2)
  expect(readings.find(({ scan: of }) => of.kind === 'full')).toMatchObject({ isLast: true })
})
