import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { restartedScan } from '../../../connector/scan/begin-scan.ts'
import type { Scan } from '../../../connector/scan/scan-state.ts'
import { type SeenClient, scanStep } from '../../../connector/scan/scan-step.ts'
import type { Page } from '../../../connector/source/client-source.ts'
import { at, noon, SECOND, scanOf, token } from './scans.ts'

// A page is applied to a scan; nothing is read.

const client = (content: string): SeenClient => ({ key: '1', contentHash: content })
type Answer = Pick<Page, 'hasMoreResults' | 'checkPoint'> & { readonly clients: readonly SeenClient[] }
const page = (more: Partial<Answer> = {}): Answer => ({
  clients: [client('a')],
  hasMoreResults: true,
  checkPoint: token('t3'),
  ...more,
})
const scan = scanOf({ lane: 'live' })
const step = (of: Answer, from = scan) =>
  scanStep(from, { page: of, clients: of.clients, responseBeganAt: at(noon + 5), overlapMs: 0 })

/** Pages until the scan is stuck, when the server returns these tokens and clients. */
function pagesUntilStuck(of: (page: number) => { token: string; clients: readonly SeenClient[] }, most: number) {
  let current: Scan = restartedScan(scan)
  for (let read = 1; read <= most; read += 1) {
    const { token: text, clients } = of(read)
    const next = step(page({ checkPoint: token(text), clients }), current)
    if (next.kind === 'stuck') return read
    current = next.scan
  }
  return Number.POSITIVE_INFINITY
}
const names = (text: string) => [client(text)]

describe('a page of a scan', () => {
  test('Invariant 5: leads to the next one with the new checkPoint and otherwise the same arguments', () => {
    const { lastChanged, limit, output } = scan
    expect(step(page())).toMatchObject({ kind: 'more', scan: { lastChanged, limit, output, checkPoint: 't3' } })
  })

  test('ends the scan when, and only when, `hasMoreResults` is false', () => {
    expect(step(page({ hasMoreResults: false, checkPoint: null })).kind).toBe('done')
    expect(step(page({ hasMoreResults: false, clients: [] })).kind).toBe('done')
    expect(step(page({ clients: [] })).kind).toBe('more')
  })

  test.each([
    ['live', noon - SECOND],
    ['catch-up', noon - SECOND],
    ['look-back', noon - 2 * SECOND],
    ['history', noon - 2 * SECOND],
  ] as const)('sets the start of the scan when it is the first, by the clock of its lane: %s', (lane, startedAt) => {
    const responseBeganAt = { ours: noon - 2 * SECOND, server: noon - SECOND }
    const of = { page: page(), clients: [], responseBeganAt, overlapMs: 0 }
    expect(scanStep(restartedScan(scanOf({ lane })), of)).toMatchObject({ scan: { startedAt } })
    expect(scanStep(scanOf({ lane }), of)).toMatchObject({ scan: { startedAt: noon } })
  })
})

describe('a history that ends with an empty page', () => {
  const history = scanOf({ lane: 'history' })
  const empty = page({ hasMoreResults: false, clients: [] })

  test('after pages with clients asks for it once more', () => {
    const doubt = step(empty, history)
    expect(doubt).toMatchObject({
      kind: 'end-in-doubt',
      scan: { checkPoint: history.checkPoint, isEndAskedAgain: true },
    })
    expect(step(empty, { ...history, isEndAskedAgain: true }).kind).toBe('done')
  })

  test('without a client, or with a client on it, has ended; so has any other scan', () => {
    expect(step(empty, { ...history, clients: 0 }).kind).toBe('done')
    expect(step(page({ hasMoreResults: false }), history).kind).toBe('done')
    for (const lane of ['live', 'catch-up', 'look-back'] as const)
      expect(step(empty, scanOf({ lane })).kind).toBe('done')
  })
})

describe('a scan is stuck', () => {
  test.each([
    ['no checkPoint', null],
    ['the checkPoint it was asked with', 't2'],
  ])('when a page promises more with %s', (_what, checkPoint) => {
    expect(step(page({ checkPoint: checkPoint === null ? null : token(checkPoint) })).kind).toBe('stuck')
  })

  test('when too many pages in a row have no clients', () => {
    const empty = page({ clients: [] })
    expect(step(empty, { ...scan, emptyPages: 98 })).toMatchObject({ kind: 'more', scan: { emptyPages: 99 } })
    expect(step(empty, { ...scan, emptyPages: 99 }).kind).toBe('stuck')
    expect(step(page(), { ...scan, emptyPages: 99 })).toMatchObject({ kind: 'more', scan: { emptyPages: 0 } })
  })

  test.each([
    ['tokens', (place: number, read: number) => ({ token: `t${place}`, clients: names(`${read}`) })],
    [
      'clients, under ever new tokens',
      (place: number, read: number) => ({ token: `t${read}`, clients: names(`${place}`) }),
    ],
  ])('within three times the length of a cycle of %s, and what comes before it', (_what, of) => {
    fc.assert(
      fc.property(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 200 }), (before, length) => {
        const place = (read: number) => (read <= before ? read : before + 1 + ((read - before - 1) % length))
        const most = 3 * (before + length) + 1
        expect(pagesUntilStuck((read) => of(place(read), read), most)).toBeLessThanOrEqual(most)
      }),
      { numRuns: 40 },
    )
  })

  test('never while each token is new and no page repeats', () => {
    const fresh = (read: number) => ({ token: `t${read}`, clients: names(`${read}`) })
    expect(pagesUntilStuck(fresh, 1_000)).toBe(Number.POSITIVE_INFINITY)
    const empty = (read: number) => ({ token: `t${read}`, clients: [] })
    expect(pagesUntilStuck(empty, 99)).toBe(Number.POSITIVE_INFINITY)
  })
})
