import { describe, expect, test } from 'vitest'
import { clientKey } from '../../../../../connector/index/index-entry.ts'
import { deltaEntries } from '../../../../../connector/index/index-state.ts'
import type { Scan } from '../../../../../connector/scan/scan-state.ts'
import { FULL, scanWith } from '../../../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../../../connector/source/client-source.ts'
import { scanOf, statesOf } from '../../../scan/scans.ts'
import { building, start } from '../../builders.ts'
import { liveScan, reading } from '../../readings.ts'
import { added, firstPage, foundBy, fullPage, fullScan, marksOf, numbered, removal } from './full-scans.ts'

/** A stream that has published these clients; the next event has their count as its number. */
function published(ids: readonly string[], parts = removal()) {
  const built = building({ features: [parts] })
  added(built, reading(ids.map((No) => ({ No }))))
  built.delivered()
  return { ...built, parts }
}

const knowsPagesOf = ({ builder }: ReturnType<typeof building>, scan: Scan) =>
  builder.parts.every((part) => part.knowsPagesOf?.(scan) ?? true)

const live = (...ids: readonly string[]) => reading(ids.map((No) => ({ No })))

describe('a client that a full scan does not return', () => {
  test('is missing, then gone, and nothing is published', () => {
    const built = published(['1', '2', '3'])
    expect(fullScan(built, ['1', '2'], 1, 3)).toMatchObject({ outcome: 'marked', clients: 3, missing: 1, gone: 0 })
    expect(marksOf(built, ['1', '2', '3'])).toEqual(['none', 'none', 'missing'])
    added(built, fullPage(['1', '2'], 2, { since: 3 }))
    const group = built.delivered()
    expect(group).toMatchObject({ records: [], change: { events: 3 } })
    expect(foundBy(group)).toMatchObject({ missing: 0, gone: 1 })
    expect(marksOf(built, ['1', '2', '3'])).toEqual(['none', 'none', 'gone'])
    expect(fullScan(built, ['1', '2'], 3, 3)).toMatchObject({ clients: 2, missing: 0, gone: 0 })
  })

  test.each([
    ['a full scan', fullPage(['3', '1', '2'], 2, { since: 3 })],
    ['a live scan', live('3')],
  ])('is no longer missing when %s returns it, and is not published again', (_, page) => {
    const built = published(['1', '2', '3'])
    fullScan(built, ['1', '2'], 1, 3)
    added(built, page)
    expect(built.delivered()).toMatchObject({ records: [] })
    expect(marksOf(built, ['3'])).toEqual(['none'])
  })

  test('is not missing if a live scan has returned it, changed or not, since the full scan began', () => {
    const built = published(['1', '2', '3'])
    added(built, firstPage(['1'], 1, 3))
    added(built, live('2'))
    added(built, reading([{ No: '3', Nom: 'changed' }]))
    added(built, fullPage([], 1, { since: 3, isFirst: false }))
    expect(foundBy(built.delivered())).toMatchObject({ missing: 0, gone: 0 })
    expect(marksOf(built, ['1', '2', '3'])).toEqual(['none', 'none', 'none'])
  })

  test('is not missing if it was published between the first response of the scan and its first page here', () => {
    const built = published(['1', '2'])
    expect(fullScan(built, ['1'], 1, 1)).toMatchObject({ missing: 0 })
  })

  test('loses its mark with the next event', () => {
    const built = published(['1', '2'])
    fullScan(built, ['1'], 1, 2)
    added(built, reading([{ No: '2', Nom: 'changed' }]))
    expect(built.delivered().records).toHaveLength(1)
    expect(marksOf(built, ['2'])).toEqual(['none'])
  })

  test('counts as returned again', () => {
    const built = published(['1', '2'])
    fullScan(built, ['1'], 1, 2)
    expect(fullScan(built, ['1', '2'], 2, 2)).toMatchObject({ returned: 1, missing: 0, gone: 0 })
  })
})

test('a dead letter and a withdrawn client are never missing', () => {
  const built = published(['1', '2'])
  added(built, reading([{ Nom: 'has no id' }]))
  built.delivered()
  const [first, second] = ['1', '2'].map((id) => built.table.get(clientKey(id)))
  if (first === undefined || second === undefined) throw new Error('the clients are not known')
  built.table.set(clientKey('1'), { ...first, mark: 'withdrawn' })
  built.table.set(clientKey('2'), { ...second, mark: 'withdrawn-gone' })
  expect(fullScan(built, [], 1, 9)).toMatchObject({ clients: 0, missing: 0 })
})

test('clients are not looked for when the setting is off', () => {
  const built = building()
  added(built, live('1', '2'))
  added(built, fullPage(['1'], 1, { since: 2 }))
  expect(foundBy(built.delivered())).toBeUndefined()
  expect(marksOf(built, ['2'])).toEqual(['none'])
})

describe('too many missing clients', () => {
  const ids = numbered(2_000)

  test.each([
    [20, 'marked'],
    [21, 'too-many'],
  ])('%i of 2,000: %s', (missing, outcome) => {
    const built = published(ids)
    const seen = ids.slice(missing)
    expect(fullScan(built, seen, 1, 2_000)).toMatchObject({ outcome, missing })
    expect(marksOf(built, ['c0'])).toEqual([outcome === 'marked' ? 'missing' : 'none'])
  })

  test('ten are never too many', () => {
    const built = published(numbered(12))
    expect(fullScan(built, ['c0', 'c1'], 1, 12)).toMatchObject({ outcome: 'marked', missing: 10 })
  })

  test('those that were missing before do not become gone, and the next full scan tries again', () => {
    const built = published(ids)
    fullScan(built, ids.slice(1), 1, 2_000)
    expect(fullScan(built, ids.slice(500), 2, 2_000)).toMatchObject({ outcome: 'too-many', missing: 499, gone: 1 })
    expect(marksOf(built, ['c0', 'c1'])).toEqual(['missing', 'none'])
    expect(fullScan(built, ids.slice(1), 3, 2_000)).toMatchObject({ outcome: 'marked', gone: 1 })
  })
})

test('a full scan that begins later than earlier scans marks nothing', () => {
  const earliest = '2020-01-01T00:00:00' as SourceTime
  const state = { ...start, scans: statesOf({ earliest }) }
  const built = building({ features: [removal()] }, { state })
  added(built, { ...live('1', '2'), states: state.scans })
  built.delivered()
  added(built, { ...fullPage(['1'], 1, { since: 2 }), states: state.scans })
  expect(foundBy(built.delivered())).toMatchObject({ outcome: 'later-beginning', missing: 1 })
  expect(marksOf(built, ['2'])).toEqual(['none'])
})

describe('marks that take several transactions', () => {
  const ids = numbered(6_000)
  const all = () => removal({ maxShare: 1 })

  test('count before the end of the scan does', () => {
    const built = published(ids, all())
    added(built, firstPage(['c0'], 1, 6_000))
    const before = built.delivered().change.scans
    const parts: number[] = []
    for (let next = built.builder.add(fullPage(['c0'], 1, { since: 6_000, isFirst: false })); next !== 'whole'; ) {
      if (next === 'part') {
        const group = built.delivered()
        const { change, pages } = group
        expect([scanWith(change.scans, FULL), pages, foundBy(group)]).toEqual([
          { ...scanWith(before, FULL), isMarking: true },
          0,
          undefined,
        ])
        parts.push(deltaEntries(change.entries))
      }
      next = built.builder.addRest()
    }
    const last = built.delivered()
    expect([...parts, deltaEntries(last.change.entries)]).toEqual([2_000, 2_000, 1_999])
    expect(last).toMatchObject({ pages: 1, change: { scans: statesOf() } })
    expect(foundBy(last)).toMatchObject({ missing: 5_999, gone: 0 })
  })

  test('an interrupted scan that begins again does not take its own marks for those of the scan before', () => {
    const built = published(ids, all())
    added(built, firstPage(['c0'], 1, 6_000))
    built.delivered()
    let next = built.builder.add(fullPage([], 1, { since: 6_000, isFirst: false }))
    while (next === 'slice') next = built.builder.addRest()
    built.delivered()
    const [scan] = built.state().scans.background
    const again = building({ features: [removal({ maxShare: 1 })] }, { state: built.state(), table: built.table })
    const page = fullPage(['c0'], 2, { since: 6_000 })
    added(again, { ...page, scan: { ...page.scan, isMarking: scan?.isMarking ?? false } })
    expect(foundBy(again.delivered())).toMatchObject({ missing: 5_999, gone: 0 })
    expect(new Set(marksOf(again, ids.slice(1)))).toEqual(new Set(['missing']))
  })

  test('a scan of one page that is interrupted is stored as one that begins again', () => {
    const built = published(ids, all())
    let next = built.builder.add(fullPage(['c0'], 1, { since: 6_000 }))
    while (next === 'slice') next = built.builder.addRest()
    const scan = scanWith(built.delivered().change.scans, FULL)
    expect(scan).toMatchObject({ isMarking: true, checkPoint: null, startedAtOurs: null, pages: 0 })
  })
})

describe('what was returned', () => {
  test('stays known when the stream is opened again, so that a scan that continues marks the right clients', () => {
    const parts = removal()
    const built = published(['1', '2', '3'], parts)
    added(built, firstPage(['1'], 1, 3))
    built.delivered()
    const again = building({ features: [parts] }, { state: built.state(), table: built.table })
    const [scan = scanOf({ kind: 'full', tag: FULL })] = built.state().scans.background
    expect(knowsPagesOf(again, scan)).toBe(true)
    added(again, fullPage(['2'], 1, { since: 3, isFirst: false }))
    expect(foundBy(again.delivered())).toMatchObject({ missing: 1 })
    expect(marksOf(again, ['1', '2', '3'])).toEqual(['none', 'none', 'missing'])
  })

  test('is not known to another replica, nor to this one if another has read pages in between', () => {
    const parts = removal()
    const built = published(['1', '2'], parts)
    const page = firstPage(['1'], 1, 2)
    added(built, page)
    expect(knowsPagesOf(building({ features: [removal()] }), page.scan)).toBe(false)
    expect(knowsPagesOf(built, { ...page.scan, pages: 2 })).toBe(false)
  })

  test('by an earlier full scan does not count for the next one', () => {
    const built = published(['1', '2'])
    fullScan(built, ['1', '2'], 1, 2)
    expect(fullScan(built, ['1'], 2, 2)).toMatchObject({ missing: 1 })
  })

  test('stays known while the next full scan begins before the last group of this one is delivered', () => {
    const built = published(['1', '2'])
    added(built, fullPage(['1', '2'], 1, { since: 2 }))
    const first = built.builder.finish()
    added(built, firstPage(['1'], 2, 2))
    built.deliver(first)
    added(built, { ...fullPage(['2'], 2, { since: 2, isFirst: false }) })
    expect(foundBy(built.delivered())).toMatchObject({ missing: 0 })
  })

  test('by a live scan counts although its page has other clients', () => {
    const built = published(['1', '2'])
    added(built, firstPage(['1'], 1, 2))
    added(built, reading([{ No: '2' }], { scan: liveScan() }))
    added(built, fullPage([], 1, { since: 2, isFirst: false }))
    expect(foundBy(built.delivered())).toMatchObject({ missing: 0 })
  })
})

describe('a full scan that may not have returned every client', () => {
  const incomplete = [
    ['ended with an empty page twice', [], { end: 'repeated' }],
    ['was resumed by a modification time, and so was the one that followed it', ['1'], { hasResumed: true }],
  ] as const

  test.each(incomplete)('marks no client: it %s', (_why, last, more) => {
    const built = published(['1', '2', '3'], removal({ maxShare: 1 }))
    added(built, firstPage(['1'], 1, 3))
    const end = fullPage(last, 1, { since: 3, isFirst: false })
    added(built, { ...end, scan: { ...end.scan, ...more } })
    expect(foundBy(built.delivered())).toMatchObject({ outcome: 'incomplete', missing: 2 })
    expect(marksOf(built, ['1', '2', '3'])).toEqual(['none', 'none', 'none'])
  })
})
