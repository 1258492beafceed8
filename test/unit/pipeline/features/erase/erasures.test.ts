import { describe, expect, test } from 'vitest'
import { clientTable } from '../../../../../connector/index/client-table.ts'
import { clientKey, type IndexEntry, UNKNOWN_CONTENT } from '../../../../../connector/index/index-entry.ts'
import { erase } from '../../../../../connector/pipeline/features/erase/erase.ts'
import type { MarkChange } from '../../../../../connector/pipeline/features/erase/erasure-marks.ts'
import type { PartReading } from '../../../../../connector/pipeline/read/page-reading.ts'
import { ConnectorError } from '../../../../../connector/runtime/connector-error.ts'
import { FIRST_LOOK_BACK } from '../../../../../connector/scan/scan-state.ts'
import { openErasures } from '../../../../support/fakes/open-erasures.ts'
import { never } from '../../../../support/signals.ts'
import { entry } from '../../../index/entries.ts'
import { scanOf } from '../../../scan/scans.ts'
import { groupParts, indexRules, settled } from '../../../stream/open/open-parts.ts'
import { building, idsOf, keysOf, reportsOf, start } from '../../builders.ts'
import { reading } from '../../readings.ts'

/** A stream of which an operator has clients erased; `changes`: of the stored marks. */
function erasing(more: Parameters<typeof building>[0] = {}, from: Parameters<typeof building>[1] = {}) {
  const control = openErasures()
  const changes: MarkChange[] = []
  const update = async (change: MarkChange) => void changes.push(change)
  const marks = { read: async () => ({ marks: [], open: [] }), update }
  const built = building({ features: [erase(marks)], requests: control.requests, ...more }, from)
  const [readings] = built.readings()
  return {
    ...built,
    control,
    changes,
    /** Reads a request to erase the client. */
    erasure: async (client = '1'): Promise<PartReading> => {
      control.erase(client, { force: true })
      const { value } = (await readings?.next()) ?? {}
      if (!value) throw new Error('nothing is read')
      return value
    },
  }
}
const { settings } = groupParts()

describe('an erased client', () => {
  test('gets a tombstone with the next number, and is carried out with the transaction', async () => {
    const { builder, delivered, table, erasure } = erasing()
    builder.add(reading([{ No: '1' }, { No: '2' }]))
    delivered()
    const before = table.get(clientKey('1'))
    expect(builder.add(await erasure())).toBe('alone')
    const group = delivered()
    const headers = { ce_type: 'client.erased', ce_source: '/polaris/shop/clients', ce_sequence: `${'0'.repeat(19)}2` }
    expect(group.records).toMatchObject([{ to: 'events', key: '1', value: null, headers }])
    expect(group.change).toMatchObject({ events: 3, carriedOut: [{ id: 'erasure 1', outcome: 'erased' }] })
    expect(reportsOf(group, 'client-erased')).toMatchObject([{ outcome: 'erased', request: 'erasure 1' }])
    expect(table.get(clientKey('1'))).toEqual({ ...before, mark: 'withdrawn', number: 2 })
  })

  test('is suppressed while it is unchanged, and published again with a new id when it changes', async () => {
    const { builder, delivered, table, changes, erasure } = erasing()
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    const [first] = idsOf(delivered().records)
    builder.add(await erasure())
    delivered()
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    expect(delivered().records).toEqual([])
    builder.add(reading([{ No: '1', Nom: 'b' }]))
    expect(keysOf(delivered().records)).toEqual(['1'])
    expect(changes.at(-1)).toMatchObject({ add: [], remove: [clientKey('1')] })
    expect(table.get(clientKey('1'))?.mark).toBe('none')
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    const [again] = idsOf(delivered().records)
    expect(again).not.toBe(first)
  })

  test('is suppressed although all contents are forgotten', async () => {
    const { builder, delivered, state, table, erasure } = erasing()
    builder.add(reading([{ No: '1' }, { No: '2' }]))
    delivered()
    builder.add(await erasure())
    delivered()
    const before = state()
    const forgetting = { ...before, index: { ...before.index, contentsFrom: before.events } }
    const later = building({}, { state: forgetting, table }).builder
    later.add(reading([{ No: '1' }, { No: '2' }]))
    expect(keysOf(later.finish().records)).toEqual(['2'])
  })

  test('without an entry is suppressed at its first reading, and published when it changes', async () => {
    const { builder, delivered, table, erasure } = erasing()
    builder.add(await erasure())
    expect(delivered().change.carriedOut).toEqual([{ id: 'erasure 1', outcome: 'never-published' }])
    expect(table.get(clientKey('1'))?.content).toBe(UNKNOWN_CONTENT)
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    expect(delivered().records).toEqual([])
    expect(table.get(clientKey('1'))).toMatchObject({ mark: 'withdrawn' })
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    expect(delivered().records).toEqual([])
    builder.add(reading([{ No: '1', Nom: 'b' }]))
    expect(keysOf(delivered().records)).toEqual(['1'])
  })

  test('is looked for again when a look-back that began before the erasure returns another content', async () => {
    const { builder, delivered, erasure } = erasing()
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    const scan = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, since: delivered().change.events })
    builder.add(await erasure())
    delivered()
    builder.add(reading([{ No: '1', Nom: 'b' }], { scan, isFirst: false, isLast: false }))
    const { records, change } = delivered()
    expect([records, change.recheck === null]).toEqual([[], false])
  })

  test('is not published by an older scan as it was before the content that replaced the erased one', async () => {
    const { builder, delivered, table, erasure } = erasing()
    builder.add(reading([]))
    const { events: since } = delivered().change
    const lookBack = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, since })
    builder.add(reading([{ No: '1', Nom: 'a' }], { scan: lookBack, isLast: false }))
    const askedAt = delivered().change.events
    builder.add(await erasure())
    delivered()
    builder.add(reading([{ No: '1', Nom: 'b' }], { askedAt }))
    delivered()
    const replaced = table.get(clientKey('1'))
    builder.add(reading([{ No: '1', Nom: 'a' }], { scan: lookBack, isFirst: false, isLast: false }))
    const { records, change } = delivered()
    expect([records, change.recheck === null]).toEqual([[], false])
    expect(table.get(clientKey('1'))).toEqual(replaced)
  })

  test('takes the content of a page that was asked for before the erasure, and publishes nothing', async () => {
    const { builder, delivered, table, changes, erasure } = erasing()
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    const askedAt = delivered().change.events
    builder.add(await erasure())
    delivered()
    builder.add(reading([{ No: '1', Nom: 'b' }], { askedAt }))
    expect(delivered().records).toEqual([])
    expect(changes.at(-1)?.add).toEqual([{ key: clientKey('1'), entry: table.get(clientKey('1')), rules: indexRules }])
    builder.add(reading([{ No: '1', Nom: 'b' }]))
    expect(delivered().records).toEqual([])
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    expect(keysOf(delivered().records)).toEqual(['1'])
  })

  test('is looked for again when an older scan returns another content, although it was asked for before the erasure', async () => {
    const { builder, delivered, erasure } = erasing()
    builder.add(reading([{ No: '1', Nom: 'a' }]))
    const askedAt = delivered().change.events
    builder.add(await erasure())
    delivered()
    const scan = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, since: 0 })
    builder.add(reading([{ No: '1', Nom: 'b' }], { scan, askedAt, isFirst: false, isLast: false }))
    const { records, parts, change } = delivered()
    expect([records, parts]).toEqual([[], []])
    expect(change.recheck).not.toBeNull()
  })

  test('takes the first content that is read when its own cannot be compared', async () => {
    const { builder, delivered, state, table, erasure } = erasing()
    builder.add(reading([{ No: '1' }]))
    delivered()
    builder.add(await erasure())
    delivered()
    const key = clientKey('1')
    table.set(key, { ...(table.get(key) as IndexEntry), rules: 7 })
    const later = building({}, { state: state(), table })
    later.builder.add(reading([{ No: '1' }]))
    expect(later.delivered().records).toEqual([])
    expect(table.get(key)).toMatchObject({ mark: 'withdrawn', rules: 0 })
    later.builder.add(reading([{ No: '1', Nom: 'b' }]))
    expect(keysOf(later.delivered().records)).toEqual(['1'])
  })

  test('gets another tombstone with another id when it is erased again', async () => {
    const { builder, delivered, erasure } = erasing()
    builder.add(reading([{ No: '1' }]))
    delivered()
    const ids: unknown[] = []
    for (let time = 0; time < 2; time += 1) {
      builder.add(await erasure())
      ids.push(...delivered().records.map((record) => record.value === null && record.headers.ce_id))
    }
    expect(ids[0]).not.toEqual(ids[1])
  })

  test('that was a dead letter is not tried again', async () => {
    const { builder, delivered, erasure } = erasing({ settings: { ...settings, maxValueBytes: 300 } })
    builder.add(reading([{ No: '1', Nom: 'x'.repeat(300) }]))
    expect(delivered().deadLetters).toBe(1)
    builder.add(await erasure())
    delivered()
    builder.add(reading([{ No: '1', Nom: 'x'.repeat(300) }]))
    expect(delivered().records).toEqual([])
  })

  test('is erased in a group of its own, after the pages before it', async () => {
    const { builder, delivered, erasure } = erasing()
    builder.add(reading([{ No: '2' }], { isLast: false }))
    expect(builder.add(await erasure('2'))).toBe('part')
    expect(keysOf(delivered().records)).toEqual(['2'])
    expect(builder.addRest()).toBe('alone')
    expect(delivered().records).toMatchObject([{ key: '2', value: null }])
    expect(builder.addRest()).toBe('whole')
  })
})

test('of a request that the control object shows as done, the id is kept', () => {
  let isOpen = true
  const requests = { ...openErasures().requests, isRecorded: () => !isOpen }
  const done = { id: 'erase 1', outcome: 'erased' } as const
  const { builder, delivered } = building({ requests }, { state: { ...start, carriedOut: [done] } })
  builder.add(reading([{ No: '3' }]))
  expect(delivered().change.carriedOut).toEqual([done])
  isOpen = false
  builder.add(reading([{ No: '4' }]))
  expect(delivered().change.carriedOut).toEqual([{ id: 'erase 1' }])
})

test('adds nothing for a request that was cancelled', async () => {
  const { builder, delivered, erasure, control } = erasing()
  builder.add(reading([{ No: '1' }]))
  delivered()
  const read = await erasure()
  control.cancel('erasure 1')
  builder.add(read)
  expect(delivered()).toMatchObject({ records: [], parts: [], change: { events: 1, carriedOut: [] } })
})

describe('the requests to erase', () => {
  /** `first` was erased already. The index knows all clients but `stranger`. */
  function stage(update: (change: MarkChange) => Promise<void> = async () => {}) {
    const changes: MarkChange[] = []
    const control = openErasures()
    const stop = new AbortController()
    const marks = {
      read: async () => ({ marks: [], open: [] }),
      update: async (change: MarkChange) => {
        await update(change)
        changes.push(change)
      },
    }
    const table = clientTable()
    for (const client of ['first', 'second', 'third', 'fourth']) table.set(clientKey(client), entry(0))
    const state = { ...start, carriedOut: [{ id: 'erasure 1', outcome: 'erased' as const }] }
    const { requests } = control
    const built = building({ features: [erase(marks)], requests }, { table, state })
    const [items] = built.readings(stop.signal)
    if (items === undefined) throw new Error('the part reads nothing')
    const clientOf = ({ value }: IteratorResult<PartReading, void>) => {
      if (value) built.builder.add(value)
      return built.delivered().records[0]?.key
    }
    return { ...built, changes, ...control, stop, items, clientOf }
  }
  const refused = new ConnectorError('storage.refused', 'write erasure marks: AccessDenied')

  test('yields each open request once, also one that comes later, but none that is carried out', async () => {
    const { items, erase, stop, clientOf } = stage()
    erase('first')
    erase('second')
    expect(clientOf(await items.next())).toBe('second')
    const next = items.next()
    erase('third')
    expect(clientOf(await next)).toBe('third')
    const last = items.next()
    stop.abort()
    expect(await last).toEqual({ done: true, value: undefined })
  })

  test('stores the mark of a client before its request is yielded', async () => {
    const { items, erase, changes } = stage()
    erase('first')
    erase('second')
    await items.next()
    expect(changes).toEqual([{ open: [{ key: clientKey('second'), request: 'erasure 2' }] }])
  })

  test('has a request wait a minute and reports it when its mark cannot be stored, and continues with others', async () => {
    const isRefused = { value: true }
    const { items, erase, clock, events, waiting, read, clientOf } = stage(async ({ open }) => {
      if (isRefused.value && open?.[0]?.request === 'erasure 2') throw refused
    })
    for (const client of ['first', 'second', 'third']) erase(client)
    expect(clientOf(await items.next())).toBe('third')
    expect(events).toMatchObject([{ kind: 'erasure-waits', code: 'storage.refused' }])
    expect(waiting).toEqual([{ id: 'erasure 2', code: 'storage.refused' }])
    isRefused.value = false
    const next = items.next()
    read()
    await settled()
    expect(events).toHaveLength(1)
    void clock.sleep(60_000, never)
    clock.fireNext()
    read()
    expect(clientOf(await next)).toBe('second')
  })

  test('refuses a client that the index does not know, unless that is forced', async () => {
    const { items, erase, changes, carriedOut, events, clientOf } = stage()
    erase('first')
    erase('stranger')
    erase('stranger', { force: true })
    expect(clientOf(await items.next())).toBe('stranger')
    expect(carriedOut).toEqual([{ id: 'erasure 2', outcome: 'unknown' }])
    expect(events).toEqual([{ kind: 'erasure-ended', request: 'erasure 2', outcome: 'unknown' }])
    expect(changes.flatMap(({ open = [] }) => open)).toHaveLength(1)
  })

  test('removes the mark of a cancelled request, also of one that waits, but not once it is in a page group', async () => {
    const { items, erase, cancel, changes, carriedOut } = stage(async ({ open }) => {
      if (open?.[0]?.request === 'erasure 2') throw refused
    })
    for (const client of ['first', 'second', 'third']) erase(client)
    await items.next()
    const next = items.next()
    for (const id of ['erasure 1', 'erasure 3']) cancel(id)
    await settled()
    erase('fourth')
    await next
    expect(carriedOut).toEqual([{ id: 'erasure 3', outcome: 'cancelled' }])
    expect(changes.flatMap(({ ended = [] }) => ended)).toEqual(['erasure 3'])
  })
})
