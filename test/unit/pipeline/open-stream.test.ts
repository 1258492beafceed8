import { describe, expect, test } from 'vitest'
import {
  type CheckpointDocument,
  parseDocument,
  serializeDocument,
} from '../../../connector/checkpoint/checkpoint-document.ts'
import { type OpenParts, openStream } from '../../../connector/pipeline/open-stream.ts'
import type { PublisherSession } from '../../../connector/publish/event-publisher.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { turns } from '../../../connector/runtime/turns.ts'
import { change, DAY_MS, documentWith } from '../checkpoint/documents.ts'
import { connector, KEY, settled, stage, stream } from './open-parts.ts'
import { noon } from './readings.ts'

const { signal } = new AbortController()

/** A stage with a document of the stream in its store, as `stored` gives it, and a record of every call in order. */
function opening(document: CheckpointDocument | undefined, more: Parameters<typeof stage>[0] = {}) {
  const calls: string[] = []
  const on = stage({
    ...more,
    kafka: (operation, ...rest) => {
      calls.push(`kafka ${operation}`)
      return more.kafka?.(operation, ...rest) ?? 'none'
    },
    store: (call) => {
      calls.push(`store ${call.kind}`)
      return more.store?.(call) ?? 'none'
    },
  })
  if (document !== undefined) on.store.tamper(KEY, serializeDocument(document))
  const parts: OpenParts = {
    ...on.open,
    storeReady: async () => {
      calls.push('store ready')
    },
    isAssigned: () => {
      calls.push('assigned?')
      return true
    },
  }
  return { ...on, parts, calls, stored: () => parseDocument(on.store.stored(KEY)?.text ?? '') }
}

/** The document as it stands in the stage's cluster. */
const own = (parts: Parameters<typeof documentWith>[0]): CheckpointDocument => {
  const document = documentWith(parts)
  return {
    ...document,
    source: { ...document.source, url: 'http://polaris.example/' },
    destination: { ...document.destination, clusterId: 'fake-cluster' },
  }
}

/** Lets Kafka decide a transaction with this note. */
async function decide(on: ReturnType<typeof stage>, note: { epoch: number; seq: number; nonce: string }) {
  await decideIn(await on.open.publisher.open(signal), note)
}

async function decideIn(session: PublisherSession, note: { epoch: number; seq: number; nonce: string }) {
  await using transaction = session.begin(signal)
  await transaction.send([])
  await transaction.commit(note)
}

async function codeOfOpening(parts: OpenParts): Promise<ErrorCode | 'opened'> {
  return await openStream(parts, signal).then(
    () => 'opened' as const,
    (error: unknown) => codeOf(error),
  )
}

describe('opening a stream', () => {
  test('reads the document, fences, reads the note, settles transactions without an end, claims against the version read first, and checks the assignment once more', async () => {
    const { parts, calls } = opening(own({}))
    await openStream(parts, signal)
    const kafka = ['kafka open', 'kafka note', 'kafka settle']
    expect(calls).toEqual(['assigned?', 'store ready', 'store read', ...kafka, 'store write', 'assigned?'])
  })

  test('a new stream begins where it is configured to, at epoch 1', async () => {
    const { parts, stored, events } = opening(undefined)
    const { checkpoint } = await openStream(parts, signal)
    expect(checkpoint.state().resume).toMatchObject({ lastChanged: '2026-06-15T11:00:00', drain: 'due' })
    expect(stored()).toMatchObject({ claim: { epoch: 1, owner: 'replica-1' }, committed: { seq: 0, by: 'beginning' } })
    expect(events).toEqual([
      { kind: 'stream-opening' },
      { kind: 'stream-claimed', epoch: 1, seq: 0, lastChanged: '2026-06-15T11:00:00', isNew: true, events: 0 },
    ])
  })

  test('a new stream without a configured beginning says which setting is missing, and writes nothing', async () => {
    const { parts, store } = opening(undefined)
    const error = await openStream({ ...parts, beginAt: undefined }, signal).catch((reason: unknown) => reason)
    expect(codeOf(error)).toBe('config.invalid')
    expect(String(error)).toContain('POLARIS_LAST_CHANGED')
    expect(store.history(KEY)).toEqual([])
  })

  test('Invariant 4: claims with the next epoch, and the truth alone', async () => {
    const on = opening(own({ pending: {} }))
    await decide(on, { epoch: 4, seq: 10, nonce: 'c' })
    const { checkpoint } = await openStream(on.parts, signal)
    expect(on.stored()).toMatchObject({ claim: { epoch: 5, owner: 'replica-1', at: noon }, pending: null })
    expect(checkpoint.seq()).toBe(10)
  })

  test('Invariant 2: takes what was pending for true where its note says so', async () => {
    const on = opening(own({ pending: {} }))
    await decide(on, { epoch: 4, seq: 11, nonce: 'p' })
    const { checkpoint } = await openStream(on.parts, signal)
    expect(checkpoint.seq()).toBe(11)
    expect(checkpoint.state().events).toBe(change.events)
    expect(on.stored().committed).toMatchObject({ epoch: 4, seq: 11, nonce: 'p', by: 'note' })
  })

  /** How many records the next transaction shows, beside its own, when it is committed. */
  async function shownByNextEnd({ parts, kafka }: ReturnType<typeof opening>): Promise<number> {
    const before = kafka.committed.length
    const session = await parts.publisher.open(signal)
    await using transaction = session.begin(signal)
    await transaction.send([{ to: 'events', key: '1', value: '{}' }])
    await transaction.commit({ epoch: 9, seq: 9, nonce: 'n' })
    return kafka.committed.length - before - 1
  }

  /** A transaction whose end Kafka loses, with an event of this number after the events of the truth. */
  async function leaveHanging({ kafka, parts, stored }: ReturnType<typeof opening>, number: number) {
    const { connector, stream } = parts.identity
    const sequence = `${stored().committed.state.events + number}`
    kafka.loseNextEnd(connector, stream)
    const session = await parts.publisher.open(signal)
    await using transaction = session.begin(signal)
    const value = JSON.stringify({ source: `/polaris/${connector}/${stream}`, sequence })
    await transaction.send([{ to: 'events', key: '1', value }])
  }

  test('Invariant 2: what is not decided and hangs without an end is gone before anything is published', async () => {
    const on = opening(own({}))
    await leaveHanging(on, 0)
    expect(await codeOfOpening(on.parts)).toBe('publish.failed')
    await openStream(on.parts, signal)
    expect(await shownByNextEnd(on)).toBe(0)
  })

  test('Invariant 1: what is decided and hangs without an end is visible before anything is published', async () => {
    const on = opening(own({}))
    await leaveHanging(on, -1)
    expect(await codeOfOpening(on.parts)).toBe('publish.failed')
    expect(on.kafka.committed).toHaveLength(1)
    await openStream(on.parts, signal)
    expect(await shownByNextEnd(on)).toBe(0)
  })

  test('Invariants 1 and 2: where both hang in one partition, nothing moves', async () => {
    const on = opening(own({}))
    await leaveHanging(on, -1)
    await leaveHanging(on, 0)
    const before = on.stored()
    expect(await codeOfOpening(on.parts)).toBe('publish.ends-lost')
    expect(on.stored()).toEqual(before)
    expect(on.kafka.committed).toEqual([])
  })

  /** A transaction of these events and this note, of which Kafka loses the end of the note. */
  async function leaveNote(on: ReturnType<typeof opening>, nonce: 'c' | 'p', sequence: number) {
    const { connector, stream } = on.parts.identity
    on.kafka.loseNextNote(connector, stream)
    const session = await on.parts.publisher.open(signal)
    await using transaction = session.begin(signal)
    const value = JSON.stringify({ source: `/polaris/${connector}/${stream}`, sequence: `${sequence}` })
    await transaction.send([{ to: 'events', key: '1', value }])
    await transaction.commit({ epoch: 4, seq: nonce === 'c' ? 10 : 11, nonce })
    await session.close()
  }

  test('Invariant 2: what is pending is true where its events are visible, though Kafka has lost the end of its note', async () => {
    const on = opening(own({ pending: {} }))
    await decide(on, { epoch: 4, seq: 10, nonce: 'c' })
    await leaveNote(on, 'p', 2)
    expect(on.kafka.note(connector, stream)).toMatchObject({ nonce: 'c' })
    expect(await codeOfOpening(on.parts)).toBe('publish.failed')
    expect(on.kafka.note(connector, stream)).toEqual({ epoch: 4, seq: 11, nonce: 'p' })
    const { checkpoint } = await openStream(on.parts, signal)
    expect(checkpoint.state().events).toBe(change.events)
  })

  test('Invariant 1: a committed state goes on where its events are there, though Kafka has lost the end of its note', async () => {
    const on = opening(own({}))
    await decide(on, { epoch: 4, seq: 9, nonce: 'o' })
    await leaveNote(on, 'c', 1)
    expect(await codeOfOpening(on.parts)).toBe('publish.failed')
    expect(on.kafka.note(connector, stream)).toEqual({ epoch: 4, seq: 10, nonce: 'c' })
    const { checkpoint } = await openStream(on.parts, signal)
    expect(checkpoint.seq()).toBe(10)
  })

  test('Invariant 2: a note that hangs of a transaction that was aborted is dropped, and cannot come with the next end', async () => {
    let end: 'none' | 'late' = 'none'
    const on = opening(own({ pending: {} }), { kafka: (operation) => (operation === 'commit' ? end : 'none') })
    await decide(on, { epoch: 4, seq: 10, nonce: 'c' })
    end = 'late' // its note is there, its end comes too late
    await leaveNote(on, 'p', 2).catch(() => undefined)
    expect(await codeOfOpening(on.parts)).toBe('publish.failed')
    const { checkpoint } = await openStream(on.parts, signal)
    expect(checkpoint.state().events).toBe(2)
    expect(on.kafka.note(connector, stream)).toMatchObject({ nonce: 'c' })
    expect((await (await on.parts.publisher.open(signal)).readNote(signal)).isHanging).toBe(false)
  })

  test('Invariant 2: no note is given to Kafka by a document that was replaced before its writer was fenced', async () => {
    let isReplaced = false
    const on = opening(own({}), {
      kafka: (operation) => {
        if (operation === 'note' && !isReplaced) on.store.tamper(KEY, serializeDocument(own({ pending: {} })))
        if (operation === 'note') isReplaced = true
        return 'none'
      },
    })
    await decide(on, { epoch: 4, seq: 10, nonce: 'c' })
    await leaveNote(on, 'p', 2)
    expect(await codeOfOpening(on.parts)).toBe('checkpoint.conflict')
    expect(await codeOfOpening(on.parts)).toBe('publish.failed')
    const { checkpoint } = await openStream(on.parts, signal)
    expect(checkpoint.seq()).toBe(11)
  })

  test('tells of a take-over, a moved source, grown partitions and an ignored setting, each once', async () => {
    const before = own({})
    const on = opening({
      ...before,
      claim: { ...before.claim, owner: 'replica-0' },
      source: { ...before.source, url: 'http://old.example/' },
      destination: { ...before.destination, partitions: 3 },
      committed: {
        ...before.committed,
        state: {
          ...before.committed.state,
          resume: { ...before.committed.state.resume, lastChanged: '2026-06-15T11:30:00' as never },
        },
      },
    })
    const told = ['taken-over', 'source-moved', 'partitions-grown', 'setting-ignored']
    await openStream(on.parts, signal)
    expect(on.kinds().filter((kind) => told.includes(kind))).toEqual(told)
    expect(on.events.find(({ kind }) => kind === 'partitions-grown')).toMatchObject({ from: 3, to: 6 })
    await openStream(on.parts, signal)
    expect(on.kinds().filter((kind) => told.includes(kind))).toEqual(told)
  })

  test('assigned to another replica meanwhile, it gives the stream up', async () => {
    const { parts, calls } = opening(own({}))
    const answers = [true, false]
    expect(await codeOfOpening({ ...parts, isAssigned: () => answers.shift() ?? false })).toBe('publish.fenced')
    expect(calls).toContain('store write')
  })

  test('assigned to another replica before, it fences nobody and writes nothing', async () => {
    const { parts, calls } = opening(own({}))
    expect(await codeOfOpening({ ...parts, isAssigned: () => false })).toBe('publish.fenced')
    expect(calls).toEqual([])
  })

  test('waits for its turn before it does anything, asks for the assignment then, and gives the turn back, also when it fails', async () => {
    const openings = turns(1)
    const { parts, calls } = opening(own({}))
    const busy = await openings.take(signal)
    const opened = openStream({ ...parts, openings }, signal)
    await settled()
    expect(calls).toEqual([])
    busy[Symbol.dispose]()
    await opened
    expect(calls[0]).toBe('assigned?')
    expect(await codeOfOpening({ ...parts, openings, isAssigned: () => false })).toBe('publish.fenced')
    using _free = await openings.take(signal)
  })

  test('waits for nothing once it is told to stop', async () => {
    const stopping = new AbortController()
    const { parts, calls } = opening(own({}), { kafka: () => new Promise(() => {}) })
    const opened = openStream(parts, stopping.signal).catch((reason: unknown) => reason)
    const reason = new DOMException('stop', 'AbortError')
    stopping.abort(reason)
    expect(await opened).toBe(reason)
    expect(calls).not.toContain('store write')
  })
})

describe('a stream that cannot be opened', () => {
  const stops: [string, CheckpointDocument, ErrorCode][] = [
    ['of another stream', { ...own({}), stream: 'other' }, 'checkpoint.other-stream'],
    ['of another source', { ...own({}), source: { ...own({}).source, codeMagasin: 9 } }, 'checkpoint.other-stream'],
    ['of another cluster', documentWith({}), 'checkpoint.other-stream'],
    ['whose note is lost', own({ pending: {} }), 'checkpoint.note-lost'],
    ['with a pending state too old to tell', own({ pending: { at: noon - 8 * DAY_MS } }), 'checkpoint.note-lost'],
  ]

  test.each(stops)('stops at a document %s, and leaves it byte for byte as it is', async (_what, document, code) => {
    const { parts, store } = opening(document)
    const text = store.stored(KEY)?.text
    expect(await codeOfOpening(parts)).toBe(code)
    expect(store.stored(KEY)?.text).toBe(text)
    expect(store.history(KEY)).toHaveLength(1)
  })

  test.each([
    ['{"format":2,"new":"things"}', 'checkpoint.unknown-format'],
    ['{"format":1', 'checkpoint.damaged'],
    ['', 'checkpoint.damaged'],
  ] as const)('stops at "%s" before anybody is fenced, and leaves it as it is', async (text, code) => {
    const { parts, store, calls } = opening(undefined)
    store.tamper(KEY, text)
    expect(await codeOfOpening(parts)).toBe(code)
    expect(store.stored(KEY)?.text).toBe(text)
    expect(calls).toEqual(['assigned?', 'store ready', 'store read'])
  })

  test('stops when the document is gone though there is a note, and goes on once it is put back', async () => {
    const on = opening(undefined)
    await decide(on, { epoch: 4, seq: 10, nonce: 'c' })
    expect(await codeOfOpening(on.parts)).toBe('checkpoint.missing')
    expect(on.store.history(KEY)).toEqual([])
    on.store.tamper(KEY, serializeDocument(own({})))
    expect(await codeOfOpening(on.parts)).toBe('opened')
  })

  test('stops when the document was rolled back', async () => {
    const on = opening(own({ pending: {} }))
    await decide(on, { epoch: 6, seq: 30, nonce: 'x' })
    const text = on.store.stored(KEY)?.text
    expect(await codeOfOpening(on.parts)).toBe('checkpoint.rolled-back')
    expect(on.store.stored(KEY)?.text).toBe(text)
  })

  test('tries again instead, if the document moved while it looked: somebody else is opening', async () => {
    const on = opening(own({ pending: {} }), {
      kafka: (operation) => {
        if (operation === 'note') on.store.tamper(KEY, serializeDocument({ ...own({}), nonce: 'theirs' }))
        return 'none'
      },
    })
    expect(await codeOfOpening(on.parts)).toBe('checkpoint.conflict')
    expect(on.stored().nonce).toBe('theirs')
  })

  test('tries again when a new stream appeared meanwhile', async () => {
    const on = opening(undefined, {
      kafka: (operation) => {
        if (operation === 'note') on.store.tamper(KEY, serializeDocument(own({})))
        return 'none'
      },
    })
    expect(await codeOfOpening(on.parts)).toBe('checkpoint.conflict')
    expect(on.stored()).toEqual(own({}))
  })

  test('Invariant 4: a replica that stalls between reading and fencing cannot overwrite what its successor prepared', async () => {
    const resumed: (() => void)[] = []
    const on = opening(own({}), {
      kafka: (operation, _stream, replica) =>
        operation === 'open' && replica === 'replica-1'
          ? new Promise((resolve) => resumed.push(() => resolve('none')))
          : 'none',
    })
    const stalled = codeOfOpening(on.parts)
    while (resumed.length === 0) await new Promise((resolve) => setImmediate(resolve))

    const publisher = on.kafka.publisher({ connector, stream, replica: 'replica-2' })
    const successor = await openStream({ ...on.parts, publisher, owner: 'replica-2' }, signal)
    const note = await successor.checkpoint.prepare(change, signal)
    resumed[0]?.()

    expect(await stalled).toBe('checkpoint.conflict')
    expect(on.stored()).toMatchObject({ claim: { owner: 'replica-2' }, pending: note })
  })

  test('closes the session that it opened', async () => {
    const on = opening(own({ pending: {} }))
    let closed = 0
    const publisher = {
      open: async (stop: AbortSignal) => {
        const session = await on.parts.publisher.open(stop)
        return {
          ...session,
          close: async () => {
            closed += 1
          },
        }
      },
    }
    expect(await codeOfOpening({ ...on.parts, publisher })).toBe('checkpoint.note-lost')
    expect(closed).toBe(1)
  })

  test('passes on what the store says', async () => {
    const { parts } = opening(own({}))
    const storeReady = () => Promise.reject(new ConnectorError('storage.no-conditional-writes', 'no'))
    expect(await codeOfOpening({ ...parts, storeReady })).toBe('storage.no-conditional-writes')
    expect(await codeOfOpening(opening(own({}), { store: () => 'before' }).parts)).toBe('storage.unavailable')
  })
})
