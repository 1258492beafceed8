import { describe, expect, test } from 'vitest'
import { clientKey, UNKNOWN_CONTENT } from '../../../../../connector/index/index-entry.ts'
import type { OpenedStream } from '../../../../../connector/pipeline/features/part.ts'
import type { PageGroup } from '../../../../../connector/pipeline/group/building.ts'
import type { PartReading } from '../../../../../connector/pipeline/read/page-reading.ts'
import { FIRST_LOOK_BACK, FULL, RECHECK } from '../../../../../connector/scan/scan-state.ts'
import { readEvent, type TextRecord } from '../../../../support/records.ts'
import { at, HOUR, MINUTE, noon, scanOf, statesOf, timeText } from '../../../scan/scans.ts'
import { building, namesOf, reportsOf, sequencesOf } from '../../builders.ts'
import { reading } from '../../readings.ts'
import { added, firstPage, fullPage, fullScan, marksOf, numbered, removal } from './full-scans.ts'

const events = ({ records }: { records: readonly TextRecord[] }) =>
  records.map(({ value }) => (value === null ? null : JSON.parse(value)))

/** A topic with an event of each client. */
const topicOf = (...ids: readonly string[]): OpenedStream['publisher'] => ({
  readEvents: async ({ find, onVisible }) => {
    for (const id of ids) {
      const found = find(readEvent(JSON.stringify({ subject: id }), id), {
        partition: 0,
        offset: 0n,
        key: id,
        timeMs: 0,
      })
      if (found !== undefined) onVisible(found)
    }
    return new Map()
  },
})

/** A stream in which client 3 is gone, which was published as event number 2; and the reading of its removal. */
async function withGone(more: Parameters<typeof removal>[0] = {}) {
  const built = building({ features: [removal(more)], publisher: topicOf('1', '2', '3') })
  added(built, reading([{ No: '1' }, { No: '2' }, { No: '3' }]))
  built.delivered()
  fullScan(built, ['1', '2'], 1, 3)
  fullScan(built, ['1', '2'], 2, 3)
  expect(marksOf(built, ['3'])).toEqual(['gone'])
  return { ...built, removing: await nextReading(built) }
}

async function nextReading({ readings }: ReturnType<typeof building>): Promise<PartReading> {
  const { value } = (await readings()[0]?.next()) ?? {}
  if (!value) throw new Error('nothing is read')
  return value
}

const removedBy = (group: Pick<PageGroup, 'parts'>) => reportsOf(group, 'clients-removed')[0]?.clients ?? 0

describe('the removal of a gone client', () => {
  test('is one event with the next number, and its entry knows no content', async () => {
    const built = await withGone()
    added(built, built.removing)
    const group = built.delivered()
    expect(events(group)).toMatchObject([{ type: 'client.removed', subject: '3', sequence: `${'0'.repeat(19)}3` }])
    expect([removedBy(group), group.change.events]).toEqual([1, 4])
    expect(built.table.get(clientKey('3'))).toMatchObject({
      mark: 'withdrawn-gone',
      number: 3,
      content: UNKNOWN_CONTENT,
    })
  })

  test('has a tombstone if that is configured, and the entry the number of the tombstone', async () => {
    const built = await withGone({ publish: 'event and tombstone' })
    added(built, built.removing)
    const group = built.delivered()
    expect(group.records.map(({ value }) => value === null)).toEqual([false, true])
    expect([removedBy(group), group.change.events, built.table.get(clientKey('3'))?.number]).toEqual([1, 5, 4])
  })

  test.each([
    ['a scan has returned it', reading([{ No: '3' }])],
    ['it was published', reading([{ No: '3', Nom: 'new' }])],
  ])('is not published if %s meanwhile', async (_, page) => {
    const built = await withGone()
    added(built, page)
    built.delivered()
    added(built, built.removing)
    const group = built.delivered()
    // The group counts although it is empty: the gone clients are counted again.
    expect([group.records, removedBy(group), group.parts]).toMatchObject([[], 0, [{ events: [] }]])
    expect(marksOf(built, ['3'])).toEqual(['none'])
  })

  test('is not published again', async () => {
    const built = await withGone()
    added(built, built.removing)
    expect(built.delivered().records).toHaveLength(1)
    added(built, built.removing)
    expect(built.delivered().records).toEqual([])
    expect(fullScan(built, ['1', '2'], 3, 4)).toMatchObject({ clients: 2, missing: 0, gone: 0 })
  })

  test('is followed by the client, whatever its content, when a scan that began later returns it', async () => {
    const built = await withGone()
    added(built, built.removing)
    built.delivered()
    const lookBack = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, since: 4 })
    added(built, reading([{ No: '3', Nom: 'back' }], { scan: lookBack }))
    const group = built.delivered()
    expect([namesOf(group.records), sequencesOf(group.records)]).toEqual([['back'], [4]])
    expect(marksOf(built, ['3'])).toEqual(['none'])
  })

  test('Invariant 3: is not followed by what a background scan that began before returns: a later scan decides', async () => {
    const built = await withGone()
    const lookBack = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, since: 3, startedAtOurs: noon - 1 })
    added(built, built.removing)
    built.delivered()
    added(built, reading([{ No: '3' }], { scan: lookBack, isLast: false }))
    const group = built.delivered()
    expect(group).toMatchObject({ records: [], change: { recheck: { after: 1 } } })
    expect(group.scans.get('look-back')).toMatchObject({ superseded: 1, events: 0 })
    expect(marksOf(built, ['3'])).toEqual(['withdrawn-gone'])
  })

  test('that overtakes a look-back is read again from where the client was modified', async () => {
    const built = await withGone()
    const startedAt = noon + 6 * HOUR
    const from = timeText('2026-06-14T10:00:00')
    const lookBack = scanOf({
      kind: 'look-back',
      tag: FIRST_LOOK_BACK + 1,
      reachMs: 26 * HOUR,
      since: 3,
      startedAt,
      from,
    })
    added(built, built.removing)
    built.delivered()
    const back = [{ No: '3', Nom: 'new', Modif: '2026-06-15T16:00:00' }]
    const states = { ...statesOf(), begun: 5 }
    added(built, reading(back, { scan: lookBack, states, readAt: at(startedAt + MINUTE), isLast: false }))
    expect(built.delivered().change.recheck).toMatchObject({ from: '2026-06-15T15:55:00', after: 5 })
    const again = scanOf({
      kind: 'look-back',
      tag: RECHECK,
      since: 4,
      ordinal: 6,
      from: timeText('2026-06-15T15:55:00'),
    })
    added(built, reading(back, { scan: again, states }))
    const group = built.delivered()
    expect([namesOf(group.records), group.change.recheck]).toEqual([['new'], null])
  })

  test('is followed by what a full scan returns that began before the removal, but after the scans that missed it', async () => {
    const built = await withGone()
    added(built, firstPage(['1'], 3, 3))
    added(built, built.removing)
    built.delivered()
    added(built, fullPage(['2', '3'], 3, { since: 3, isFirst: false }))
    expect(built.delivered().records.map(({ key }) => key)).toEqual(['3'])
    expect(built.table.get(clientKey('3'))).toMatchObject({ tag: FULL, mark: 'none' })
  })
})

test('many removals take several transactions', async () => {
  const ids = numbered(3_000)
  const built = building({ features: [removal({ maxShare: 1 })], publisher: topicOf(...ids) })
  added(built, reading(ids.map((No) => ({ No }))))
  built.delivered()
  for (const number of [1, 2]) {
    added(built, fullPage(['c0'], number, { since: 3_000, states: statesOf() }))
    built.delivered()
  }
  const removed: number[] = []
  for (let next = built.builder.add(await nextReading(built)); next !== 'whole'; next = built.builder.addRest())
    if (next === 'part') removed.push(removedBy(built.delivered()))
  expect([...removed, removedBy(built.delivered())]).toEqual([2_000, 999])
  expect(new Set(marksOf(built, ids.slice(1)))).toEqual(new Set(['withdrawn-gone']))
})
