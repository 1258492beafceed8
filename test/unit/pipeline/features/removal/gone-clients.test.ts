import { describe, expect, test } from 'vitest'
import { clientEvent } from '../../../../../connector/event/cloud-event/event-form.ts'
import { clientTable } from '../../../../../connector/index/client-table.ts'
import { clientKey, type EntryMark } from '../../../../../connector/index/index-entry.ts'
import type { OpenedStream } from '../../../../../connector/pipeline/features/part.ts'
import type { PartReading } from '../../../../../connector/pipeline/read/page-reading.ts'
import { ConnectorError } from '../../../../../connector/runtime/connector-error.ts'
import { eventForm } from '../../../../support/records.ts'
import { entry } from '../../../index/entries.ts'
import { noon } from '../../../scan/scans.ts'
import { settled } from '../../../stream/open/open-parts.ts'
import { building, reportsOf } from '../../builders.ts'
import { added, fullPage, removal } from './full-scans.ts'

const eventOf = (clientId: string) =>
  clientEvent({ clientId, json: '{}', contentHash: '', previous: 'g0', timeMs: 0, sequence: 0 }, eventForm()).record

interface Stage {
  readonly marks: Readonly<Record<string, EntryMark>>
  /** Clients of which the topic has an event. */
  readonly topic: readonly string[]
  readonly settings?: Parameters<typeof removal>[0]
  readonly failures?: number
}

function stage({ marks, topic, settings, failures = 0 }: Stage) {
  const table = clientTable()
  for (const [number, [id, mark]] of Object.entries(marks).entries()) table.set(clientKey(id), entry(number, { mark }))
  let [reads, left] = [0, failures]
  const readEvents: OpenedStream['publisher']['readEvents'] = async ({ find, onVisible }, stop) => {
    reads += 1
    left -= 1
    if (left >= 0) throw new ConnectorError('publish.unreachable', 'test')
    for (const id of topic) {
      stop.throwIfAborted()
      const found = find(eventOf(id), { partition: 0, offset: 0n, key: id, timeMs: 0 })
      if (found !== undefined) onVisible(found)
    }
    return new Map()
  }
  const stop = new AbortController()
  const built = building({ features: [removal(settings)], publisher: { readEvents } }, { table })
  const [readings] = built.readings(stop.signal)
  if (readings === undefined) throw new Error('the part reads nothing')
  return {
    ...{ readings, events: built.events, clock: built.clock, stop, table },
    reads: () => reads,
    /** How many clients the reading removes. */
    removedBy: ({ value }: IteratorResult<PartReading, void>) => {
      if (value) added(built, value)
      return reportsOf(built.delivered(), 'clients-removed').map(({ clients }) => clients)
    },
    /** A full scan that returns only client 1 ends. */
    fullScan: () => {
      added(built, fullPage(['1'], 1, { since: table.size() }))
      built.delivered()
    },
  }
}

const one = { '1': 'none', '2': 'gone', '3': 'missing' } as const

describe('clients that are gone', () => {
  test('are found in the topic, with the number of their last event', async () => {
    const { readings, events, stop, removedBy, table } = stage({ marks: one, topic: ['1', '2', '3'] })
    const reading = await readings.next()
    expect(events).toEqual([{ kind: 'missing-clients', missing: 1, gone: 1, withoutEvent: 0, isHeld: false }])
    expect(removedBy(reading)).toEqual([1])
    expect(table.get(clientKey('2'))?.mark).toBe('withdrawn-gone')
    stop.abort()
    expect(await readings.next()).toEqual({ done: true, value: undefined })
  })

  test('are counted only, if reports are wanted', async () => {
    const { readings, events, stop, reads } = stage({ marks: one, topic: ['2'], settings: { publish: 'nothing' } })
    const next = readings.next()
    stop.abort()
    expect((await next).done).toBe(true)
    expect([reads(), events.map(({ kind }) => kind)]).toEqual([0, ['missing-clients']])
  })

  test('of whom the topic has no event are counted, and not looked for again', async () => {
    const marks = { ...one, '4': 'gone' } as const
    const { readings, events, reads, removedBy, stop } = stage({ marks, topic: ['2'] })
    const reading = await readings.next()
    expect(events).toMatchObject([{ gone: 2, withoutEvent: 1 }])
    const next = readings.next()
    expect(removedBy(reading)).toEqual([1])
    await settled()
    stop.abort()
    expect([(await next).done, reads()]).toEqual([true, 1])
    expect(events).toMatchObject([{}, { gone: 1, withoutEvent: 1 }])
  })

  test('of whom the topic has no event are looked for again after another event', async () => {
    const topic: string[] = []
    const { readings, events, removedBy, fullScan, table, stop } = stage({ marks: { '1': 'none', '4': 'gone' }, topic })
    const next = readings.next()
    await settled()
    expect(events).toMatchObject([{ gone: 1, withoutEvent: 1 }])
    table.set(clientKey('4'), entry(9, { mark: 'gone' }))
    topic.push('4')
    fullScan()
    expect(removedBy(await next)).toEqual([1])
    stop.abort()
  })

  test('are removed after the next full scan if there were none before', async () => {
    const { readings, fullScan, removedBy } = stage({ marks: { '1': 'none', '2': 'missing' }, topic: ['1', '2'] })
    const next = readings.next()
    await settled()
    fullScan()
    expect(removedBy(await next)).toEqual([1])
  })

  test('are held if they are too many', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => `c${index}`)
    const marks = Object.fromEntries(ids.map((id, index) => [id, index < 11 ? 'gone' : 'none'] as const))
    const { readings, events, stop } = stage({ marks, topic: ids })
    const next = readings.next()
    await settled()
    expect(events).toMatchObject([{ gone: 11, isHeld: true }])
    stop.abort()
    expect((await next).done).toBe(true)
  })

  test('are looked for again after a minute if the topic cannot be read', async () => {
    const { readings, events, clock, removedBy } = stage({ marks: one, topic: ['2'], failures: 1 })
    const next = readings.next()
    await settled()
    expect(events).toMatchObject([{ kind: 'removals-wait', code: 'publish.unreachable' }])
    clock.fireNext()
    expect(removedBy(await next)).toEqual([1])
    expect(clock.now() - noon).toBe(60_000)
  })
})
