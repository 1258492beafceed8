import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import type { OutgoingRecord } from '../../../../connector/event/client-event.ts'
import type { PipelineParts } from '../../../../connector/pipeline/pipeline.ts'
import type { EventPublisher, PublisherTransaction } from '../../../../connector/publish/event-publisher.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import type { ClientSource } from '../../../../connector/source/client-source.ts'
import { erasuresKey } from '../../../../connector/storage/checkpoint-store-config.ts'
import type { MemoryFault } from '../../../support/fakes/memory-versioned-object.ts'
import { openErasures } from '../../../support/fakes/open-erasures.ts'
import { runAlone } from '../../../support/run-alone.ts'
import { pageOf } from '../../pipeline/readings.ts'
import { KEY, settled, stage } from './open-parts.ts'

const MARKS = erasuresKey(KEY)

/** Brokers reject transactions with such a record. */
function rejecting(publisher: EventPublisher, isRejected: (record: OutgoingRecord) => boolean): EventPublisher {
  const rejects = (transaction: PublisherTransaction): PublisherTransaction => ({
    ...transaction,
    send: async (records) => {
      if (records.some(isRejected)) throw new ConnectorError('publish.refused', 'publish: INVALID_RECORD')
      await transaction.send(records)
    },
  })
  return {
    ...publisher,
    open: async (options, stop) => {
      const producer = await publisher.open(options, stop)
      return { ...producer, begin: (finish) => rejects(producer.begin(finish)) }
    },
  }
}

/** A running stream that has published client 1. */
async function running() {
  const calls: string[] = []
  const source = { name: 'a', clients: ['1'], isDown: false, atCommit: () => {} }
  const faults = new Map<string, MemoryFault>()
  const read: ClientSource['read'] = async () =>
    source.isDown ? await new Promise(() => {}) : pageOf(source.clients.map((No) => ({ No, Nom: source.name })))
  const on = stage({
    source: { read },
    kafka: (operation) => {
      calls.push(operation)
      if (operation === 'commit') source.atCommit()
      return 'none'
    },
    store: ({ kind, key }) => {
      if (kind === 'write') calls.push(key)
      return (kind === 'write' ? faults.get(key) : undefined) ?? 'none'
    },
  })
  const control = openErasures()
  const pipeline: PipelineParts = { ...on.pipeline, requests: control.requests }
  const stop = new AbortController()
  const rejected: { is: (record: OutgoingRecord) => boolean } = { is: () => false }
  const open = {
    ...on.streamParts.open,
    publisher: rejecting(on.streamParts.open.publisher, (one) => rejected.is(one)),
  }
  const ended = runAlone({ ...on.streamParts, open, pipeline }, stop.signal)
  const wait = async (times = 3) => {
    for (let time = 0; time < times; time += 1) {
      await settled()
      on.clock.fireNext()
      await settled()
    }
  }
  await wait()
  calls.length = 0
  const until = async (isReached: () => boolean) => {
    for (let time = 0; time < 5_000 && !isReached(); time += 1) {
      control.read()
      await wait(1)
    }
  }
  return {
    ...on,
    ...control,
    calls,
    source,
    faults,
    wait,
    until,
    refuse: (is: typeof rejected.is) => {
      rejected.is = is
    },
    values: () => on.kafka.committed.map(({ value }) => (value === null ? null : JSON.parse(value).data.Nom)),
    /** Opens the stream once more. */
    again: async () => {
      const next = new AbortController()
      const running = runAlone({ ...on.streamParts, open, pipeline }, next.signal)
      await wait()
      next.abort()
      await wait()
      await running
    },
    end: async () => {
      stop.abort()
      await wait()
      await ended
      return parseDocument(on.store.stored(KEY)?.text ?? '').committed.state
    },
  }
}

describe('a running stream', () => {
  test('erases a client while a page is awaited, and reports it once that is committed', async () => {
    const on = await running()
    on.source.isDown = true
    await on.wait()
    on.erase('1')
    await on.wait()
    expect(on.values()).toEqual(['a', null])
    expect(on.carriedOut).toEqual([{ id: 'erasure 1', outcome: 'erased' }])
    expect(on.events.find(({ kind }) => kind === 'client-erased')).toEqual({
      kind: 'client-erased',
      request: 'erasure 1',
      outcome: 'erased',
      reason: 'letter',
      requestedAt: 1,
      requestedBy: 'operator',
    })
  })

  test('stores the mark before it sends the tombstone, and removes it after the next change is published', async () => {
    const on = await running()
    on.erase('1')
    await on.wait()
    expect(on.calls.indexOf(MARKS)).toBeGreaterThanOrEqual(0)
    expect(on.calls.indexOf(MARKS)).toBeLessThan(on.calls.indexOf('send'))
    const marked = on.store.stored(MARKS)?.text
    on.calls.length = 0
    on.source.name = 'b'
    await on.wait()
    expect(on.values()).toEqual(['a', null, 'b'])
    expect(on.calls.indexOf(MARKS)).toBeGreaterThan(on.calls.indexOf('commit'))
    expect(on.store.stored(MARKS)?.text.length).toBeLessThan(marked?.length ?? 0)
    expect(await on.end()).toMatchObject({ events: 3, carriedOut: [{ id: 'erasure 1' }] })
  })

  test('publishes no tombstone while the mark cannot be stored, but what changes, and one tombstone afterwards', async () => {
    const on = await running()
    on.faults.set(MARKS, 'before')
    on.erase('1')
    await on.wait()
    expect(on.calls).not.toContain('send')
    expect(on.waiting).toEqual([{ id: 'erasure 1', code: 'storage.unavailable' }])
    on.source.name = 'b'
    await on.wait()
    expect(on.values()).toEqual(['a', 'b'])
    on.faults.clear()
    await on.until(() => on.carriedOut.length > 0)
    expect(on.values()).toEqual(['a', 'b', null])
    expect(on.kinds()).not.toContain('stream-retrying')
  })

  test('publishes what changes while brokers reject a tombstone, and one tombstone an hour later', async () => {
    const on = await running()
    on.refuse(({ value }) => value === null)
    on.erase('1')
    await on.wait(6)
    expect(on.waiting).toEqual([{ id: 'erasure 1', code: 'publish.refused' }])
    on.source.name = 'b'
    await on.wait(4)
    expect(on.values()).toEqual(['a', 'b'])
    expect(on.kinds().filter((kind) => kind === 'stream-retrying')).toHaveLength(1)
    on.refuse(() => false)
    await on.until(() => on.carriedOut.length > 0)
    expect(on.values()).toEqual(['a', 'b', null])
  })

  test('publishes no tombstone of a request that is cancelled while it waits', async () => {
    const on = await running()
    on.faults.set(MARKS, 'before')
    on.erase('1')
    await on.wait()
    on.faults.clear()
    on.cancel('erasure 1')
    await on.until(() => on.carriedOut.length > 0)
    expect(on.carriedOut).toEqual([{ id: 'erasure 1', outcome: 'cancelled' }])
    expect(on.values()).toEqual(['a'])
  })

  test('continues when the mark of a changed client cannot be removed', async () => {
    const on = await running()
    on.erase('1')
    await on.wait()
    on.faults.set(MARKS, 'before')
    on.source.name = 'b'
    await on.wait()
    expect(on.values()).toEqual(['a', null, 'b'])
    expect(on.kinds()).toContain('index-upkeep-failed')
    expect(on.kinds()).not.toContain('stream-retrying')
  })
})

describe('the marks of erased clients', () => {
  /** A running stream of which client 1 is erased, with its stored marks, then and now. */
  async function erasedOnce() {
    const on = await running()
    on.erase('1')
    await on.until(() => on.carriedOut.length > 0)
    const marks = () => JSON.parse(on.store.stored(MARKS)?.text ?? '{}').entries
    return { ...on, stored: marks(), marks }
  }

  test.each([
    ['deleted', undefined],
    ['rolled back', '{"format":1,"nonce":"n","rules":[],"entries":""}'],
  ])('are written back when their object was %s', async (_, text) => {
    const on = await erasedOnce()
    expect(on.stored).toHaveLength(32)
    on.store.tamper(MARKS, text)
    await on.until(() => on.kinds().includes('erasure-marks-restored'))
    expect(on.marks()).toBe(on.stored)
    expect(on.events).toContainEqual({ kind: 'erasure-marks-restored', clients: 1 })
  })

  test('are written back by the next opening when their object was deleted meanwhile', async () => {
    const on = await erasedOnce()
    await on.end()
    on.store.tamper(MARKS, undefined)
    await on.again()
    expect(on.marks()).toBe(on.stored)
  })

  test('stay as they are when their object is damaged, which is reported', async () => {
    const on = await erasedOnce()
    on.store.tamper(MARKS, '{')
    await on.until(() => on.kinds().includes('index-upkeep-failed'))
    expect(on.store.stored(MARKS)?.text).toBe('{')
  })

  test('are written by the next opening when the replica could not store them after the tombstone', async () => {
    const on = await running()
    on.erase('1')
    on.source.atCommit = () => void on.faults.set(MARKS, 'before')
    await on.until(() => on.values().length > 1)
    expect(JSON.parse(on.store.stored(MARKS)?.text ?? '')).toMatchObject({ open: [{ request: 'erasure 1' }] })
    on.faults.clear()
    await on.end()
    await on.again()
    expect(JSON.parse(on.store.stored(MARKS)?.text ?? '')).toMatchObject({
      entries: expect.stringMatching(/^.{32}$/),
      open: [],
    })
  })
})

describe('a stream that has lost its checkpoint and its commit record', () => {
  test('publishes a client that was erased only once it changes, when its topic is empty', async () => {
    const on = await running()
    on.erase('1')
    await on.until(() => on.carriedOut.length > 0)
    await on.end()
    on.kafka.deleteTopic()
    on.store.tamper(KEY, undefined)
    await on.again()
    expect(on.values()).toEqual([])
    on.source.name = 'b'
    await on.again()
    expect(on.values()).toEqual(['b'])
  })
})
