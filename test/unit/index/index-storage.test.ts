import { describe, expect, test } from 'vitest'
import { ENTRY_BYTES } from '../../../connector/index/index-entry.ts'
import { deltaEntries } from '../../../connector/index/index-state.ts'
import { readSegment } from '../../../connector/index/load-table.ts'
import { segmentLimits } from '../../../connector/index/segment-plan.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import {
  type MemorySegmentStore,
  memorySegmentStore,
  type SegmentCall,
  type SegmentFault,
} from '../../support/fakes/memory-segment-store.ts'
import { never } from '../../support/signals.ts'
import { joined } from './entries.ts'
import { range, type Stage, stage, stored } from './storage-stage.ts'

test('the stored index always stands for the table, through spills, merges and dumps, and the document stays small', async () => {
  const one = await stage()
  const tiers = new Set<number | 'base'>()
  for (let transaction = 0; transaction < 60; transaction += 1) {
    await one.commit(range((transaction * 1_500) % 15_000, 2_000))
    for (const { tier } of one.state.segments) tiers.add(tier)
    expect(deltaEntries(one.state.delta)).toBeLessThanOrEqual(1_365 + 2_000)
    if (transaction % 12 === 0) expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
    if (transaction % 3 === 0) await one.settled()
  }
  expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
  expect(tiers).toEqual(new Set([0, 1, 'base']))
  expect(one.state.segments.length).toBeLessThan(40)
  expect(one.events.filter(({ kind }) => kind === 'index-upkeep-failed')).toEqual([])
})

test('deletes a segment once a document without it is written, and no sooner', async () => {
  const one = await stage()
  for (let transaction = 0; transaction < 17; transaction += 1) await one.commit(range(transaction * 1_500, 1_500))
  const spills = one.state.segments.map(({ name }) => name)
  expect(spills).toHaveLength(16)
  await one.commit(range(0, 1))
  await one.settled() // merged, but not written yet
  expect([...one.store.stored.keys()]).toEqual(expect.arrayContaining(spills))
  const represented = await one.storage.represent(one.state, never)
  await one.settled()
  expect([...one.store.stored.keys()]).toEqual(expect.arrayContaining(spills))
  one.storage.written(represented)
  await one.settled()
  expect([...one.store.stored.keys()].toSorted()).toEqual(represented.segments.map(({ name }) => name).toSorted())
})

test('an audit deletes orphans of earlier claims, and nothing of a later one', async () => {
  const store = memorySegmentStore()
  const first = await stage({ store })
  for (let transaction = 0; transaction < 3; transaction += 1) await first.commit(range(transaction * 1_500, 1_500))
  store.stored.set('1-orphan', Uint8Array.of(1))
  store.stored.set('2-mine', Uint8Array.of(2))
  store.stored.set('3-of-a-successor', Uint8Array.of(3))
  const second = await stage({ store, state: first.state, epoch: 2 })
  second.storage.audit()
  await second.settled()
  const named = first.state.segments.map(({ name }) => name)
  expect([...store.stored.keys()].toSorted()).toEqual([...named, '2-mine', '3-of-a-successor'].toSorted())
})

test('an audit that misses a segment has the whole index written again from memory', async () => {
  const one = await stage()
  for (let transaction = 0; transaction < 3; transaction += 1) await one.commit(range(transaction * 1_500, 1_500))
  const [lost] = one.state.segments
  one.store.stored.delete(lost?.name ?? '')
  one.storage.audit()
  await one.settled()
  expect(one.events).toContainEqual({ kind: 'segments-missing', segments: 1 })
  await one.commit([])
  await one.settled()
  await one.commit([])
  expect(one.state.segments.map(({ tier }) => tier)).toEqual(['base'])
  expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
})

const harms = {
  missing: (store: MemorySegmentStore, name: string) => store.stored.delete(name),
  damaged: (store: MemorySegmentStore, name: string) => store.stored.set(name, Uint8Array.of(1, 2, 3)),
}

describe.each(['missing', 'damaged'] as const)('a %s segment that a merge finds', (how) => {
  const small = { ...segmentLimits, deltaEntries: 2, fanOut: 3, minDumpEntries: 1_000, segmentEntries: 10 }
  /** An index of three spills of which one is harmed. */
  async function harmed() {
    const one = await stage({ limits: small })
    const spill = async (from: number) => {
      await one.commit(range(from, 20))
      await one.commit([])
    }
    for (const from of [0, 20]) await spill(from)
    harms[how](one.store, one.state.segments[0]?.name ?? '')
    await spill(40)
    await one.settled()
    return { ...one, one, spill }
  }
  const failures = ({ events }: Pick<Stage, 'events'>) =>
    events.filter(({ kind }) => kind === 'index-upkeep-failed').length
  const isWhole = async (one: Stage) => expect(await stored(one)).toEqual(joined([...one.table.partitions()]))

  test('is reported once, and the index is written again from memory, in several segments', async () => {
    const { one } = await harmed()
    expect(failures(one)).toBe(1)
    for (let document = 0; document < 3; document += 1) {
      await one.commit([document])
      await one.settled()
    }
    expect(failures(one)).toBe(1)
    expect(one.state.segments.length).toBeGreaterThan(3)
    expect(new Set(one.state.segments.map(({ tier }) => tier))).toEqual(new Set(['base']))
    await isWhole(one)
  })

  test('has the index written again at most once an hour', async () => {
    const { one, spill, clock } = await harmed()
    await one.commit([])
    await one.settled()
    await one.commit([])
    const dumped = one.state.segments.map(({ name }) => name)
    for (const from of [60, 80]) await spill(from)
    harms[how](one.store, one.state.segments.at(-1)?.name ?? '')
    await spill(100)
    for (let document = 0; document < 10; document += 1) {
      await one.settled()
      await one.commit([document])
    }
    expect(failures(one)).toBe(2)
    expect(one.state.segments.map(({ name }) => name)).toEqual(expect.arrayContaining(dumped))
    clock.pass(3_600_000)
    await one.commit([])
    await one.settled()
    await one.commit([])
    await isWhole(one)
  })

  test('lets nothing be deleted that the document names until it names the new segments', async () => {
    const { one } = await harmed()
    const named = one.state.segments.map(({ name }) => name).filter((name) => one.store.stored.has(name))
    one.state = await one.storage.represent(one.state, never)
    await one.settled()
    expect([...one.store.stored.keys()]).toEqual(expect.arrayContaining(named))
    one.state = await one.storage.represent(one.state, never)
    await one.settled()
    expect([...one.store.stored.keys()]).toEqual(expect.arrayContaining(named))
    one.storage.written(one.state)
    await one.settled()
    expect([...one.store.stored.keys()].toSorted()).toEqual(one.state.segments.map(({ name }) => name).toSorted())
    await isWhole(one)
  })
})

test('a segment whose first answer is wrong is read once more', async () => {
  const one = await stage()
  const { get } = one.store
  let isFirst = true
  one.store.get = async (...args) => {
    const bytes = await get(...args)
    const answered = isFirst ? Uint8Array.of(1) : bytes
    isFirst = false
    return answered
  }
  for (let transaction = 0; transaction < 18; transaction += 1) await one.commit(range(transaction * 1_500, 1_500))
  await one.settled()
  await one.commit([])
  expect(isFirst).toBe(false)
  expect(one.events.filter(({ kind }) => kind === 'index-upkeep-failed')).toEqual([])
  expect(one.state.segments.map(({ tier }) => tier)).toContain(1)
})

test('a document that is written during a dump deletes no segment that the dump has made', async () => {
  const held: (() => void)[] = []
  const store = memorySegmentStore(async ({ kind }: SegmentCall): Promise<SegmentFault> => {
    if (kind === 'put' && isDumping) await new Promise<void>((resolve) => held.push(resolve))
    return 'none'
  })
  let isDumping = false
  const limits = { ...segmentLimits, deltaEntries: 2, fanOut: 3, minDumpEntries: 10, segmentEntries: 5 }
  const one = await stage({ store, limits })
  await one.commit(range(0, 20))
  await one.commit(range(0, 20))
  await one.commit([]) // spilled twice; a dump of 20 clients begins with the next document
  isDumping = true
  for (let segment = 0; segment < 10; segment += 1) {
    await one.commit([])
    await one.settled()
    held.shift()?.()
    await one.settled()
    for (const { name } of one.state.segments) expect(store.stored.has(name)).toBe(true)
  }
  expect(one.state.segments.length).toBeGreaterThan(3)
  expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
})

test('merges newer segments while a dump takes long, so that the document stays small', async () => {
  const limits = { ...segmentLimits, deltaEntries: 2, fanOut: 3, minDumpEntries: 200, segmentEntries: 1_000 }
  const one = await stage({ limits })
  for (const from of [0, 20, 20]) await one.commit(range(from, 150))
  const { put } = one.store
  const dumped = Promise.withResolvers<void>()
  one.store.put = async (name, bytes, finish) => {
    if (bytes.length > 160 * ENTRY_BYTES) await dumped.promise
    await put(name, bytes, finish)
  }
  for (let document = 0; document < 60; document += 1) {
    await one.commit(range(document % 20, 5))
    await one.settled()
    expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
  }
  const tiers = one.state.segments.map(({ tier }) => tier)
  expect(tiers).not.toContain('base')
  expect(tiers.length).toBeLessThan(15)
  dumped.resolve()
  for (let document = 0; document < 3; document += 1) {
    await one.settled()
    await one.commit([])
  }
  expect(one.state.segments[0]?.tier).toBe('base')
  expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
})

test('a spill whose upload fails rejects, and leaves the index as it was', async () => {
  let isDown = false
  const store = memorySegmentStore(({ kind }: SegmentCall) => (isDown && kind === 'put' ? 'after' : 'none'))
  const one = await stage({ store })
  await one.commit(range(0, 1_500))
  isDown = true
  await expect(one.storage.represent(one.state, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  isDown = false
  expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
})

test('a merge that fails is reported and done again with the next document', async () => {
  let failures = 1
  const store = memorySegmentStore(({ kind }: SegmentCall) => (kind === 'get' && failures-- > 0 ? 'before' : 'none'))
  const one = await stage({ store })
  for (let transaction = 0; transaction < 20; transaction += 1) {
    await one.commit(range(transaction * 1_500, 1_500))
    await one.settled()
  }
  expect(one.events.filter(({ kind }) => kind === 'index-upkeep-failed')).toHaveLength(1)
  expect(one.state.segments.some(({ tier }) => tier === 1)).toBe(true)
  expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
})

test.each([
  ['checkpoint.index-damaged', (store: MemorySegmentStore, name: string) => store.stored.delete(name)],
  [
    'checkpoint.index-damaged',
    (store: MemorySegmentStore, name: string) => store.stored.set(name, Uint8Array.of(1, 2)),
  ],
])('loading rejects with %s and names the segment', async (code, harm) => {
  const one = await stage()
  for (let transaction = 0; transaction < 2; transaction += 1) await one.commit(range(transaction * 1_500, 1_500))
  const [segment] = one.state.segments
  if (segment === undefined) throw new Error('nothing was spilled')
  harm(one.store, segment.name)
  const error = await readSegment(one.store, segment, never).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(ConnectorError)
  expect(error).toMatchObject({ code, message: expect.stringContaining(segment.name) })
})

test('begins no dump of segments that a merge has replaced while a spill was uploaded', async () => {
  const held: (() => void)[] = []
  let isHolding = false
  const store = memorySegmentStore(async ({ kind }: SegmentCall): Promise<SegmentFault> => {
    if (kind === 'put' && isHolding) await new Promise<void>((resolve) => held.push(resolve))
    return 'none'
  })
  const limits = { ...segmentLimits, deltaEntries: 2, fanOut: 3, minDumpEntries: 12, segmentEntries: 1_000 }
  const former = await stage({ store, limits: { ...limits, minDumpEntries: 3 } })
  await former.commit(range(0, 3))
  await former.commit(range(0, 3))
  await former.commit([])
  await former.settled()
  await former.commit([])
  expect(former.state.segments.map(({ tier }) => tier)).toEqual(['base'])

  const one = await stage({ store, state: former.state, epoch: 2, limits })
  for (let transaction = 0; transaction < 3; transaction += 1) await one.commit(range(0, 3))
  isHolding = true
  const third = one.commit(range(0, 3))
  await one.settled()
  held.shift()?.() // the third spill
  await third
  await one.settled()
  const fourth = one.commit([])
  await one.settled()
  held.shift()?.() // the merge of three spills
  await one.settled()
  held.shift()?.() // the fourth spill
  await fourth
  await one.commit([])
  await one.settled()
  for (const release of held) release()
  await one.settled()
  await one.commit([])
  expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
})

test('an audit finds no orphan in what a merge has just made and no document names yet', async () => {
  const one = await stage({ epoch: 2 })
  for (let transaction = 0; transaction < 18; transaction += 1) await one.commit(range(transaction * 1_500, 1_500))
  await one.settled() // merged
  const names = [...one.store.stored.keys()]
  one.storage.audit()
  await one.settled()
  expect([...one.store.stored.keys()]).toEqual(names)
  await one.commit([])
  expect(one.state.segments.map(({ tier }) => tier)).toContain(1)
  expect(await stored(one)).toEqual(joined([...one.table.partitions()]))
})

test('work in the background that is ended by a close reports nothing, and deletes nothing later', async () => {
  let listed = (_fault: 'none') => {}
  const store = memorySegmentStore(({ kind }: SegmentCall) =>
    kind === 'list'
      ? new Promise((resolve) => {
          listed = resolve
        })
      : 'none',
  )
  store.stored.set('1-orphan', Uint8Array.of(1))
  const one = await stage({ store, epoch: 2 })
  one.storage.audit()
  const closed = one.storage.close()
  listed('none')
  await closed
  expect([[...store.stored.keys()], one.events]).toEqual([['1-orphan'], []])
})
