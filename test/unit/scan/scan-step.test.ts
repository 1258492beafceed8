import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LIVE, noTokens, type Scan } from '../../../connector/scan/scan-state.ts'
import { scanStep } from '../../../connector/scan/scan-step.ts'
import type { Page } from '../../../connector/source/client-source.ts'
import { at, noon, scanOf, token, unread } from './scans.ts'

const page = (more: Partial<Page> = {}): Page => ({
  ...{ clients: [{ No: '1' }], hasMoreResults: true, checkPoint: token('t3'), serverTime: noon, tookMs: 0, bytes: 0 },
  ...more,
})
const scan = scanOf({ kind: 'live', tag: LIVE })
const step = (of: Page, from = scan) => scanStep(from, of, at(noon + 5))

/** Pages until the scan is stuck, when the server returns these tokens. */
function pagesUntilStuck(tokens: (page: number) => string, most: number): number {
  let current: Scan = { ...scan, checkPoint: null, tokens: noTokens }
  for (let read = 1; read <= most; read += 1) {
    const next = step(page({ checkPoint: token(tokens(read)) }), current)
    if (next.kind === 'stuck') return read
    current = next.scan
  }
  return Number.POSITIVE_INFINITY
}

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

  test('counts pages and clients, and ends a run of failures', () => {
    expect(step(page(), { ...scan, failures: 4 })).toMatchObject({ scan: { pages: 3, clients: 201, failures: 0 } })
  })

  test('sets the start of the scan when it is the first', () => {
    expect(step(page(), scanOf({ kind: 'live', tag: LIVE, ...unread }))).toMatchObject({
      scan: { startedAt: noon + 5, startedAtOurs: noon + 5 },
    })
    expect(step(page())).toMatchObject({ scan: { startedAt: noon, startedAtOurs: noon } })
  })
})

describe('a scan is stuck', () => {
  test.each([
    ['no checkPoint', null],
    ['the checkPoint it was asked with', 't2'],
    ['the checkPoint it remembers', 't1'],
  ])('when a page promises more with %s', (_what, checkPoint) => {
    expect(step(page({ checkPoint: checkPoint === null ? null : token(checkPoint) })).kind).toBe('stuck')
  })

  test('when too many pages in a row have no clients', () => {
    const empty = page({ clients: [] })
    expect(step(empty, { ...scan, emptyPages: 98 })).toMatchObject({ kind: 'more', scan: { emptyPages: 99 } })
    expect(step(empty, { ...scan, emptyPages: 99 }).kind).toBe('stuck')
    expect(step(page(), { ...scan, emptyPages: 99 })).toMatchObject({ kind: 'more', scan: { emptyPages: 0 } })
  })

  test('within three times the length of a cycle of tokens, and what comes before it', () => {
    fc.assert(
      fc.property(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 200 }), (before, length) => {
        const tokens = (read: number) => `t${read <= before ? read : before + 1 + ((read - before - 1) % length)}`
        const most = 3 * (before + length) + 1
        expect(pagesUntilStuck(tokens, most)).toBeLessThanOrEqual(most)
      }),
    )
  })

  test('never while each token is new', () => {
    expect(pagesUntilStuck((read) => `t${read}`, 1_000)).toBe(Number.POSITIVE_INFINITY)
  })
})
