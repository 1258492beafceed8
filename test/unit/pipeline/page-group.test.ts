import { describe, expect, test } from 'vitest'
import { clientTable } from '../../../connector/index/client-table.ts'
import { type PageGroupBuilder, pageGroupBuilder } from '../../../connector/pipeline/group/page-group.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { newScans } from '../../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'
import { historyOf } from '../../support/scans.ts'
import { noon } from '../scan/scans.ts'
import { groupParts } from '../stream/open/open-parts.ts'
import { building, keysOf, sequencesOf, start } from './builders.ts'
import { liveScan, reading } from './readings.ts'

// Readings are added to a group, whose records are then compared; nothing is sent.

const middle = { isLast: false }
const scansAt = (startedAt: number) => ({ ...newScans, live: { startedAt, scan: null } })
const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, index) => ({ No: `${from + index}` }))

describe('a group', () => {
  test('contains the records of its pages in order, and leads to the scans after the last page', () => {
    const { builder } = building()
    builder.add(reading([{ No: '2' }, { No: '1' }], { isLast: false, scans: scansAt(1) }))
    builder.add(reading([{ No: '3', Nom: 'Zoé' }], { ...middle, scans: scansAt(2) }))
    const group = builder.finish()
    expect(group).toMatchObject({ pages: 2, deadLetters: 0, change: { nextEvent: 3, scans: scansAt(2) } })
    expect(keysOf(group.records)).toEqual(['2', '1', '3'])
    expect(group.valueBytes).toBe(group.records.reduce((sum, { value }) => sum + Buffer.byteLength(String(value)), 0))
    expect(group.countsByLane).toEqual(new Map([['live', { events: 3, suppressed: 0, superseded: 0 }]]))
  })

  test('knows when the changes that it publishes were made, but not of those published again or late', () => {
    const { builder } = building()
    const client = { No: '1', Modif: '2026-06-15T11:59:50' }
    builder.add(reading([client, { No: '2' }]))
    builder.add(reading([client], middle))
    expect(builder.finish().changeTimes).toEqual([noon - 10_000])
    expect(builder.finish().changeTimes).toEqual([])
  })

  test('marks what the first history reads as a snapshot, and later events as made after it', () => {
    const { builder } = building()
    const history = liveScan({ lane: 'history' })
    const scans = { ...newScans, history: historyOf('done') }
    builder.add(reading([{ No: '1' }], { isLast: false }))
    builder.add(reading([{ No: '2' }], { scan: history, scans }))
    builder.add(reading([{ No: '3' }], { scans }))
    builder.add(reading([{ No: '4' }], { scan: history, scans }))
    const events = builder.finish().records.map(({ value }) => JSON.parse(String(value)))
    expect(events.map(({ subject, snapshot, historycomplete }) => [subject, snapshot, historycomplete])).toEqual([
      ['1', undefined, undefined],
      ['2', true, undefined],
      ['3', undefined, true],
      ['4', undefined, true],
    ])
  })

  test('knows when the newest of the changes that it reads was made', () => {
    const { builder } = building()
    const at = (Modif: string) => reading([{ No: Modif, Modif }])
    for (const time of ['2026-06-15T10:00:00', '2026-06-15T11:00:00', '2026-06-15T09:00:00']) builder.add(at(time))
    expect(builder.finish().newestChange).toBe(noon - 3_600_000)
    builder.add(at('2026-06-15T11:00:00'))
    expect(builder.finish()).toMatchObject({ records: [], newestChange: noon - 3_600_000 })
    builder.add(reading([{ No: 'without a time' }]))
    expect(builder.finish().newestChange).toBe(noon)
  })

  test('continues from the previous group, whether that is delivered or not', () => {
    const { builder, deliver } = building()
    builder.add(reading([{ No: '1' }, { No: '2' }]))
    const first = builder.finish()
    expect(builder.valueBytes()).toBe(0)
    builder.add(reading([{ No: '2' }, { No: '3' }]))
    const second = builder.finish()
    expect([keysOf(second.records), sequencesOf(second.records)]).toEqual([['3'], [2]])
    deliver(first)
    deliver(second)
    builder.add(reading([{ No: '1' }, { No: '2' }, { No: '3' }]))
    expect(builder.finish()).toMatchObject({ records: [], change: { nextEvent: 3 } })
  })

  test('continues the numbers of the state that it starts from; a dead letter takes one, too', () => {
    const { builder } = building({}, { state: { ...start, nextEvent: 40 } })
    builder.add(reading([{ No: '1' }, {}, { No: '2' }]))
    const group = builder.finish()
    expect(sequencesOf(group.records.filter(({ target }) => target === 'events'))).toEqual([40, 42])
    expect([group.deadLetters, group.change.nextEvent]).toEqual([1, 43])
  })

  test('knows whether a live scan has ended', () => {
    const { builder } = building()
    builder.add(reading([], { isLast: false }))
    builder.add(reading([], { scan: liveScan({ lane: 'history' }) }))
    expect(builder.finish().hasLiveEnd).toBe(false)
    builder.add(reading([]))
    builder.add(reading([], { isLast: false }))
    expect(builder.finish().hasLiveEnd).toBe(true)
  })
})

describe('too many clients that cannot become events', () => {
  const withoutId = (count: number, name = 'planted') =>
    Array.from({ length: count }, (_, index) => ({ Nom: `${name}-${index}` }))
  const codeOfAdding = (builder: PageGroupBuilder, clients: readonly ClientRecord[]) => {
    try {
      builder.add(reading(clients))
      return undefined
    } catch (error) {
      return codeOf(error)
    }
  }
  const fresh = () => ({ state: start, table: clientTable() })

  test('cause an error that names the client id field and contains no data', () => {
    const { builder } = building()
    expect(() => builder.add(reading(withoutId(10)))).toThrow(
      expect.objectContaining({
        code: 'event.too-many-dead-letters',
        message: expect.stringMatching(/^(?!.*planted).*field: No\)/),
      }),
    )
  })

  test('are counted without suppressed clients', () => {
    const { builder } = building()
    builder.add(reading([...numbered(90), ...withoutId(9)]))
    for (let scan = 0; scan < 10; scan += 1) builder.add(reading(numbered(90)))
    expect(codeOfAdding(builder, withoutId(2, 'other'))).toBe('event.too-many-dead-letters')
  })

  test('still count after the next opening when they were delivered', () => {
    const parts = groupParts()
    const first = pageGroupBuilder(parts, fresh())
    first.add(reading(withoutId(9)))
    first.onDelivered(first.finish())
    expect(codeOfAdding(pageGroupBuilder(parts, fresh()), withoutId(1))).toBe('event.too-many-dead-letters')
  })

  test('count once when they were not delivered and are read again', () => {
    const parts = groupParts()
    for (let opening = 0; opening < 3; opening += 1)
      expect(codeOfAdding(pageGroupBuilder(parts, fresh()), withoutId(9))).toBeUndefined()
  })
})

test("the time of an event is the modification time, or the time of the read by the server's clock", () => {
  const { builder } = building()
  const clients = [{ No: '1', Modif: '2026-06-15T11:59:00' }, { No: '2' }, { No: '3', Modif: 'soon' }]
  builder.add(reading(clients, { readAt: { ours: 0, server: noon } }))
  expect(builder.finish().records.map(({ value }) => JSON.parse(String(value)).time)).toEqual([
    '2026-06-15T09:59:00.000Z',
    '2026-06-15T10:00:00.000Z',
    '2026-06-15T10:00:00.000Z',
  ])
})
