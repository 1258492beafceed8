import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENTRY_BYTES, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'
import { deltaEntryCount, deltaOf, withEntries } from '../../../connector/index/index-state.ts'
import { type SegmentLimits, segmentLimits } from '../../../connector/index/segments.ts'
import { loadTable } from '../../../connector/index/stream-index.ts'
import { memorySegmentStore, type SegmentCall, type SegmentFault } from '../../support/fakes/memory-segment-store.ts'
import { never } from '../../support/signals.ts'
import { entry, key, words } from './entries.ts'
import { entriesOf, range, type Stage, stage, stored } from './storage-stage.ts'

// Owners follow each other on segments in memory; what is stored is loaded again after each step.

const small: SegmentLimits = { deltaEntries: 2, fanOut: 3, objectEntries: 4 }
const isWhole = async (one: Stage) => expect(await stored(one)).toEqual(entriesOf(one.table))
const failures = ({ events }: Stage) => events.filter(({ kind }) => kind === 'index-upkeep-failed')

test('the stored index always stands for the table, whatever changes, and whenever a rewrite ends', async () => {
  const client = fc.nat({ max: 30 })
  const transaction = fc.record({ clients: fc.array(client, { maxLength: 5 }), isSettled: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(transaction, { minLength: 10, maxLength: 60, size: 'max' }), async (transactions) => {
      const one = await stage({ limits: small })
      for (const { clients, isSettled } of transactions) {
        await one.commit(clients)
        if (isSettled) await one.settled()
        await isWhole(one)
      }
    }),
    { numRuns: 10 },
  )
})

test('the document stays small: a delta leaves it at 32 KB, and segments become few', async () => {
  const one = await stage()
  const tiers = new Set<number | 'base'>()
  for (let transaction = 0; transaction < 60; transaction += 1) {
    await one.commit(range((transaction * 1_500) % 15_000, 2_000))
    for (const { tier } of one.state.segments) tiers.add(tier)
    expect(deltaEntryCount(one.state.delta)).toBeLessThanOrEqual(32_768 / ENTRY_BYTES + 2_000)
    if (transaction % 3 === 0) await one.settled()
  }
  await isWhole(one)
  expect(tiers).toEqual(new Set([0, 1, 'base']))
  expect(one.state.segments.length).toBeLessThan(20)
  expect(failures(one)).toEqual([])
})

test('no segment forgets that a content is unknown, in any tier, until the client is published again', async () => {
  const store = memorySegmentStore()
  const former = await stage({ store, limits: small })
  for (let client = 0; client < 60; client += 1) {
    await former.commit([client, 100 + client])
    await former.settled()
  }
  // A segment with the known content, which is seldom written again.
  expect(former.state.segments[0]).toMatchObject({ tier: 3, from: 0 })
  // As a rewind does at its claim: the entry keeps its number.
  const unknown = words([[key(5), entry(10, { content: UNKNOWN_CONTENT })]])
  const state = withEntries(former.state, deltaOf(unknown))
  const one = await stage({ store, state, epoch: 2, next: 120, limits: small })
  const tiers = new Set<number | 'base'>()
  for (let transaction = 0; transaction < 45; transaction += 1) {
    await one.commit(transaction < 30 ? range(200 + 2 * transaction, 3) : range(100, 150))
    await one.settled()
    for (const { tier } of one.state.segments) tiers.add(tier)
    expect((await stored(one)).get(key(5))).toEqual(entry(10, { content: UNKNOWN_CONTENT }))
  }
  expect(tiers).toEqual(new Set([0, 1, 2, 3, 'base']))
  await one.commit([5])
  for (let transaction = 0; transaction < 10; transaction += 1) await one.commit([200, 201, 202])
  expect((await stored(one)).get(key(5))?.content).not.toBe(UNKNOWN_CONTENT)
  await isWhole(one)
})

test('deletes a segment once a document without it is stored, and no sooner', async () => {
  const one = await stage()
  for (let transaction = 0; transaction < 9; transaction += 1) await one.commit(range(transaction * 1_500, 1_500))
  const left = one.state.segments.map(({ name }) => name)
  expect(left).toHaveLength(8)
  await one.settled() // written again, but not named yet
  const represented = await one.storage.writeDueSegments({ index: one.state, nextEvent: 13_500 }, never)
  await one.settled()
  expect([...one.store.stored.keys()]).toEqual(expect.arrayContaining(left))
  one.storage.onDocumentStored(represented)
  await one.settled()
  expect(represented.segments.map(({ tier }) => tier)).toEqual([1, 0])
  expect([...one.store.stored.keys()].toSorted()).toEqual(represented.segments.map(({ name }) => name).toSorted())
})

test('the first document of a claim deletes what earlier claims have left, and nothing of a later one', async () => {
  const store = memorySegmentStore()
  const first = await stage({ store })
  for (let transaction = 0; transaction < 3; transaction += 1) await first.commit(range(transaction * 1_500, 1_500))
  for (const name of ['1-left', '2-mine', '3-of-a-successor']) store.stored.set(name, Uint8Array.of(1))
  const second = await stage({ store, state: first.state, epoch: 2, next: 4_500 })
  await second.settled()
  await second.commit([])
  await second.settled()
  const named = second.state.segments.map(({ name }) => name)
  expect([...store.stored.keys()].toSorted()).toEqual([...named, '2-mine', '3-of-a-successor'].toSorted())
})

test('deletes a segment after a later document when its deletion fails once', async () => {
  const faults: SegmentFault[] = []
  const store = memorySegmentStore(({ kind }) => (kind === 'remove' ? faults.pop() : undefined) ?? 'none')
  const former = await stage({ store })
  for (let transaction = 0; transaction < 9; transaction += 1) await former.commit(range(transaction * 1_500, 1_500))
  store.stored.set('1-left', Uint8Array.of(1))
  const one = await stage({ store, state: former.state, epoch: 2, next: 13_500 })
  const isNamed = (stored: string) => one.state.segments.some(({ name }) => name === stored)
  const unnamed = () => [...store.stored.keys()].filter((stored) => !isNamed(stored))
  await one.settled()
  faults.push('before')
  await one.commit([]) // a rewrite is due
  await one.settled()
  expect(unnamed()).toContain('1-left')
  faults.push('before')
  await one.commit([]) // names the rewrite
  await one.settled()
  expect(unnamed()).toContain('1-left')
  await one.commit([])
  await one.settled()
  expect(unnamed()).toEqual([])
  expect(failures(one)).toHaveLength(2)
})

test('a document that is stored during a rewrite deletes nothing that the rewrite has made', async () => {
  const held: (() => void)[] = []
  let isHeld = false
  const store = memorySegmentStore(async ({ kind }: SegmentCall): Promise<SegmentFault> => {
    if (kind === 'put' && isHeld) await new Promise<void>((resolve) => held.push(resolve))
    return 'none'
  })
  const one = await stage({ store, limits: { ...small, deltaEntries: 50 } })
  for (let times = 0; times < 3; times += 1) await one.commit(range(0, 60))
  await one.commit([]) // the third segment: more than twice the table is stored
  isHeld = true
  for (let object = 0; object < 60; object += 1) {
    await one.commit([])
    await one.settled()
    held.shift()?.()
    await one.settled()
    for (const { name } of one.state.segments) expect(store.stored.has(name)).toBe(true)
  }
  expect(one.state.segments.some(({ tier }) => tier === 'base')).toBe(true)
  await isWhole(one)
})

test('a segment whose upload fails rejects, and leaves the index as it was', async () => {
  let isDown = false
  const store = memorySegmentStore(({ kind }: SegmentCall) => (isDown && kind === 'put' ? 'after' : 'none'))
  const one = await stage({ store })
  await one.commit(range(0, 1_500))
  isDown = true
  const failing = one.storage.writeDueSegments({ index: one.state, nextEvent: 1_500 }, never)
  await expect(failing).rejects.toMatchObject({ code: 'storage.unavailable' })
  isDown = false
  await isWhole(one)
})

test('a rewrite that fails is reported, and done again with the next document', async () => {
  const large = 2_000 * ENTRY_BYTES
  const store = memorySegmentStore()
  const { put } = store
  let failing = 1
  store.put = async (name, bytes, finish) => {
    if (bytes.length > large && failing-- > 0) throw new Error('simulated')
    await put(name, bytes, finish)
  }
  const one = await stage({ store })
  for (let transaction = 0; transaction < 12; transaction += 1) {
    await one.commit(range(transaction * 1_500, 1_500))
    await one.settled()
  }
  expect(failures(one)).toHaveLength(1)
  expect(one.state.segments[0]?.tier).toBe(1)
  await isWhole(one)
})

test('a segment of more than 8 MB has several objects', async () => {
  const one = await stage({ limits: { ...segmentLimits, objectEntries: 500 } })
  await one.commit(range(0, 1_400))
  await one.commit([])
  const [first, ...others] = one.state.segments
  expect(others).toHaveLength(2)
  for (const other of others) expect(other).toMatchObject({ tier: 0, from: first?.from, to: first?.to })
  for (const bytes of one.store.stored.values()) expect(bytes.length).toBeLessThanOrEqual(500 * ENTRY_BYTES)
  await isWhole(one)
})

test('loading rejects and names the segment that is missing or damaged', async () => {
  for (const harm of [undefined, Uint8Array.of(1, 2)]) {
    const one = await stage()
    for (let transaction = 0; transaction < 12; transaction += 1) await one.commit(range(transaction * 1_500, 1_500))
    const name = one.state.segments[7]?.name ?? ''
    if (harm === undefined) one.store.stored.delete(name)
    else one.store.stored.set(name, harm)
    const damaged = { code: 'checkpoint.index-damaged', message: expect.stringContaining(name) }
    await expect(loadTable(one.store, one.state, never)).rejects.toMatchObject(damaged)
  }
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
  store.stored.set('1-left', Uint8Array.of(1))
  const one = await stage({ store, epoch: 2 })
  const closed = one.storage.close()
  listed('none')
  await closed
  expect([[...store.stored.keys()], one.events]).toEqual([['1-left'], []])
})
