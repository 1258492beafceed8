import { describe, expect, test } from 'vitest'
import {
  type CheckpointDocument,
  parseDocument,
  serializeDocument,
} from '../../../../connector/checkpoint/checkpoint-document.ts'
import { entryBytes } from '../../../../connector/index/index-entry.ts'
import { segmentHash } from '../../../../connector/index/segments.ts'
import { streamIndex } from '../../../../connector/index/stream-index.ts'
import {
  optionsWithoutCheckpoint,
  type RecordKey,
  type StreamProducer,
} from '../../../../connector/publish/event-publisher.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../../connector/runtime/error-catalogue.ts'
import { semaphore } from '../../../../connector/runtime/semaphore.ts'
import type { OpenParts } from '../../../../connector/stream/open-stream.ts'
import { settled } from '../../../support/fakes/virtual-clock.ts'
import { sentEvent } from '../../../support/records.ts'
import { never } from '../../../support/signals.ts'
import { documentWith, indexed, state } from '../../checkpoint/documents.ts'
import { entry, key, words } from '../../index/entries.ts'
import { connector, KEY, openedStream, stage, stream, WISHES } from './open-parts.ts'

/** A stage whose store contains `document`, with a log of all calls in order. */
function opening(document: CheckpointDocument | undefined, more: Parameters<typeof stage>[0] = {}) {
  const calls: string[] = []
  const on = stage({
    ...more,
    kafka: (operation, ...rest) => {
      calls.push(`kafka ${operation}`)
      return more.kafka?.(operation, ...rest) ?? 'none'
    },
    store: (call) => {
      calls.push(`${call.key === WISHES ? 'wishes' : 'store'} ${call.kind}`)
      return more.store?.(call) ?? 'none'
    },
  })
  if (document !== undefined) on.store.tamper(KEY, serializeDocument(document))
  const parts: OpenParts = {
    ...on.openParts,
    storeReady: async () => {
      calls.push('store ready')
    },
  }
  return { ...on, parts, calls, stored: () => parseDocument(on.store.stored(KEY)?.text ?? '') }
}

/** A document that matches the cluster of the stage. */
const own = (parts: Parameters<typeof documentWith>[0]): CheckpointDocument => {
  const document = documentWith(parts)
  return {
    ...document,
    source: { ...document.source, url: 'http://polaris.example/' },
    destination: { ...document.destination, clusterId: 'fake-cluster' },
    producerId: `${connector}.${stream} 1`,
  }
}

/** A document whose committed state never had a commit record. */
const setByOperator = (parts: Parameters<typeof documentWith>[0] = {}): CheckpointDocument =>
  own({ ...parts, committed: { expectsRecord: false, ...parts.committed } })

/** Commits a transaction with this record. */
async function commit(on: ReturnType<typeof stage>, record: RecordKey) {
  await commitWith(await on.openParts.publisher.open(optionsWithoutCheckpoint, never), record)
}

async function commitWith(producer: StreamProducer, record: RecordKey) {
  await using transaction = producer.begin(never)
  await transaction.send([])
  await transaction.commit({ ...record, nextEvent: 4 })
}

async function codeOfOpening(parts: OpenParts): Promise<ErrorCode | 'opened'> {
  return await openedStream(parts, never).then(
    () => 'opened' as const,
    (error: unknown) => codeOf(error),
  )
}

describe('opening a stream', () => {
  test('reads the document, then the wishes, fences, reads the commit record, claims, and looks at the wishes again', async () => {
    const { parts, calls } = opening(setByOperator())
    await openedStream(parts, never)
    const before = ['store ready', 'store read', 'wishes read']
    expect(calls).toEqual([...before, 'kafka open', 'kafka state', 'store write', 'wishes read'])
  })

  test('rejects a new stream without a configured start, names the missing setting and writes nothing', async () => {
    const { parts, store } = opening(undefined)
    const error = await openedStream({ ...parts, beginAt: undefined }, never).catch((reason: unknown) => reason)
    expect(codeOf(error)).toBe('config.invalid')
    expect(String(error)).toContain('POLARIS_LAST_CHANGED')
    expect(store.history(KEY)).toEqual([])
  })

  /** Sends an event in a transaction that is not committed, and closes the producer. */
  async function leave({ parts }: ReturnType<typeof opening>) {
    const producer = await parts.publisher.open(optionsWithoutCheckpoint, never)
    {
      await using transaction = producer.begin(never)
      await transaction.send([sentEvent('1', '{}')])
    }
    await producer.close()
  }

  test.each([
    ['pending', 'commit it', { pending: {}, record: 'p' }],
    ['committed', 'abort it', { pending: {}, record: 'c' }],
  ] as const)(
    'is held by a hanging transaction of an expired producer id, and says where it is; where %s is valid: %s',
    async (_state, cure, { record, ...document }) => {
      const on = opening(own(document))
      await commit(on, { epoch: 4, seq: record === 'p' ? 11 : 10, nonce: record })
      on.kafka.loseNextMarker(connector, stream)
      await leave(on)
      on.kafka.expireProducerId(connector, stream)
      const before = on.stored()
      const error = await openedStream(on.parts, never).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'publish.hanging-transaction' })
      expect(String(error)).toMatch(/former producer id shop\.clients 1 in client\.modified partition \d offset 0/)
      expect(String(error)).toContain(`decided, ${cure}`)
      expect(on.stored()).toEqual(before)
    },
  )

  test.each([
    ['keeps the index in memory while Kafka does not answer', 'open', 1],
    ['reads the index again once it may have changed it', 'claim', 2],
  ] as const)('%s', async (_what, fails, reads) => {
    let isFailing = true
    let read = 0
    const bytes = entryBytes(words([[key(7), entry(0)]]))
    const segment = {
      name: 's',
      tier: 0 as const,
      from: 0,
      to: 1,
      hasUnknown: false,
      entries: 1,
      sha256: segmentHash(bytes),
    }
    const index = { ...state.index, segments: [segment] }
    const on = opening(setByOperator({ committed: { state: { ...state, index } } }), {
      kafka: (operation) => (operation === fails && isFailing ? 'before' : 'none'),
      store: ({ kind }) => (kind === 'write' && fails === 'claim' && isFailing ? 'before' : 'none'),
    })
    const segments = on.store.segments(KEY)
    segments.stored.set('s', bytes)
    const get: typeof segments.get = (...args) => {
      read += 1
      return segments.get(...args)
    }
    const parts = { ...on.parts, indexCache: streamIndex({ ...segments, get }) }
    expect(await codeOfOpening(parts)).toMatch(/^(publish.failed|storage.unavailable)$/)
    isFailing = false
    const { checkpoint } = await openedStream(parts, never)
    expect([read, checkpoint.table.get(key(7))]).toEqual([reads, entry(0)])
  })

  test('keeps with how many partitions the topic began for the stream, as far as that is known', async () => {
    const firstOf = async (on: ReturnType<typeof opening>) => {
      await openedStream({ ...on.parts, topicUse: 'shared' }, never)
      return on.stored().destination.firstPartitions
    }
    const fresh = opening(undefined)
    expect(await firstOf(fresh)).toBe(6)
    fresh.kafka.grow()
    expect([await firstOf(fresh), fresh.stored().destination.partitions]).toEqual([6, 7])
    const used = opening(undefined)
    await leave(used)
    expect(await firstOf(used)).toBeNull()
    const { destination, ...before } = setByOperator({ committed: { state: { ...state, nextEvent: 0 } } })
    const recreated = opening({ ...before, destination: { ...destination, topicId: 'topic 0', firstPartitions: 3 } })
    expect(await firstOf(recreated)).toBe(6)
  })

  test('reports a take-over, a changed source and added partitions, each once', async () => {
    const before = setByOperator()
    const on = opening({
      ...before,
      claim: { ...before.claim, owner: 'replica-0' },
      source: { ...before.source, url: 'http://old.example/' },
      destination: { ...before.destination, partitions: 3 },
    })
    const expected = ['taken-over', 'source-moved', 'partitions-grown']
    await openedStream(on.parts, never)
    expect(on.kinds().filter((kind) => expected.includes(kind))).toEqual(expected)
    expect(on.events.find(({ kind }) => kind === 'partitions-grown')).toMatchObject({ from: 3, to: 6 })
    await openedStream(on.parts, never)
    expect(on.kinds().filter((kind) => expected.includes(kind))).toEqual(expected)
  })

  test('neither fences nor writes once it is to stop, as when the stream is assigned to another replica', async () => {
    const stopping = new AbortController()
    const { parts, calls } = opening(own({}), {
      store: ({ key }) => {
        if (key === WISHES) stopping.abort(new DOMException('moved', 'AbortError'))
        return 'none'
      },
    })
    await expect(openedStream(parts, stopping.signal)).rejects.toThrow('moved')
    expect(calls).toEqual(['store ready', 'store read', 'wishes read'])
  })

  test('waits for a permit before anything else, and releases it even when it fails', async () => {
    const openLimit = semaphore(1)
    const { parts, calls } = opening(setByOperator())
    const busy = await openLimit.acquire(never)
    const opened = openedStream({ ...parts, openLimit }, never)
    await settled()
    expect(calls).toEqual([])
    busy[Symbol.dispose]()
    await opened
    expect(await codeOfOpening({ ...parts, openLimit, topic: 'other' })).toBe('checkpoint.topic-lost')
    using _free = await openLimit.acquire(never)
  })
})

describe('a segment of the client index', () => {
  const segment = entryBytes(words([[key(1), entry(0)]]))
  const reference = {
    name: '3-s',
    tier: 'base' as const,
    from: 0,
    to: 1,
    hasUnknown: false,
    entries: 1,
    sha256: segmentHash(segment),
  }
  const named = () =>
    setByOperator({ committed: { state: { ...state, index: { ...state.index, segments: [reference] } } } })

  test('is read before the stream is fenced', async () => {
    const on = opening(named())
    const stored = on.store.segments(KEY)
    stored.stored.set('3-s', segment)
    const get: typeof stored.get = (...args) => {
      on.calls.push('segment read')
      return stored.get(...args)
    }
    const indexCache = streamIndex({ ...stored, get })
    const { checkpoint } = await openedStream({ ...on.parts, indexCache }, never)
    expect(on.calls.indexOf('segment read')).toBeLessThan(on.calls.indexOf('kafka open'))
    expect(checkpoint.table.get(key(1))).toEqual(entry(0))
  })

  test.each([
    ['missing', undefined, 'checkpoint.index-damaged'],
    ['damaged', Uint8Array.of(1), 'checkpoint.index-damaged'],
  ] as const)(
    'that is %s holds the stream before fencing, after the document was read again',
    async (_what, bytes, code) => {
      const on = opening(named())
      if (bytes !== undefined) on.store.segments(KEY).stored.set('3-s', bytes)
      expect(await codeOfOpening(on.parts)).toBe(code)
      expect(on.calls).toEqual(['store ready', 'store read', 'wishes read', 'store read'])
    },
  )
})

describe('a stream that cannot be opened', () => {
  test.each<[string, Partial<OpenParts>, code?: ErrorCode]>([
    ['stream', { identity: { ...stage().openParts.identity, stream: 'other' } }],
    ['source', { identity: { ...stage().openParts.identity, source: { ...own({}).source, codeMagasin: 9 } } }],
    ['topic', { topic: 'other' }, 'checkpoint.topic-lost'],
  ])('with another %s configured is held before anything is fenced or created', async (_what, configured, code) => {
    const { parts, calls } = opening(setByOperator())
    expect(await codeOfOpening({ ...parts, ...configured })).toBe(code ?? 'checkpoint.other-stream')
    expect(calls).toEqual(['store ready', 'store read', 'wishes read'])
  })

  test.each([
    ['{"format":99,"new":"things"}', 'checkpoint.unknown-format'],
    ['{"format":2', 'checkpoint.damaged'],
    ['', 'checkpoint.damaged'],
  ] as const)('is held at the document "%s" before fencing, which stays unchanged', async (text, code) => {
    const { parts, store, calls } = opening(undefined)
    store.tamper(KEY, text)
    expect(await codeOfOpening(parts)).toBe(code)
    expect(store.stored(KEY)?.text).toBe(text)
    expect(calls).toEqual(['store ready', 'store read', 'wishes read'])
  })

  test('is held when it is new and its topic has records, also aborted ones, unless that is meant', async () => {
    const on = opening(undefined)
    {
      const producer = await on.kafka.publisher({ connector, stream: 'other' }).open(optionsWithoutCheckpoint, never)
      await using transaction = producer.begin(never)
      await transaction.send([sentEvent('7', '{}')])
    }
    expect(await codeOfOpening(on.parts)).toBe('checkpoint.topic-in-use')
    expect(on.store.history(KEY)).toEqual([])
    expect(await codeOfOpening({ ...on.parts, topicUse: 'shared' })).toBe('opened')
  })

  test('closes the producer when opening fails', async () => {
    const on = opening(own({ committed: { state: indexed }, pending: {} }))
    expect(await codeOfOpening(on.parts)).toBe('checkpoint.undecided')
    expect([on.calls.includes('kafka open'), on.producers()]).toEqual([true, 0])
  })
})
