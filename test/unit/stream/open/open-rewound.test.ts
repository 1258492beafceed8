import { describe, expect, test } from 'vitest'
import { type CheckpointDocument, serializeDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { documentIdOf, parseWishes, type Rewind } from '../../../../connector/checkpoint/wishes.ts'
import { UNKNOWN_CONTENT } from '../../../../connector/index/index-entry.ts'
import { loadTable } from '../../../../connector/index/stream-index.ts'
import { optionsWithoutCheckpoint } from '../../../../connector/publish/event-publisher.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../../connector/runtime/error-catalogue.ts'
import type { OpenParts } from '../../../../connector/stream/open-stream.ts'
import { openStream } from '../../../../connector/stream/open-stream.ts'
import { sentEvent } from '../../../support/records.ts'
import { historyOf } from '../../../support/scans.ts'
import { never } from '../../../support/signals.ts'
import { change, documentWith, indexed, state } from '../../checkpoint/documents.ts'
import { key } from '../../index/entries.ts'
import { noon } from '../../pipeline/readings.ts'
import { timeText } from '../../scan/scans.ts'
import { beginAt, KEY, openedStream, stage, WISHES } from './open-parts.ts'

// A rewind waits in a store in memory while a stream is opened on a fake cluster.

const seconds = noon / 1000

/** A stage with this document, and a rewind that waits. */
function rewinding(document: CheckpointDocument | string | undefined, wanted: Partial<Rewind> = {}) {
  const fenced: string[] = []
  const on = stage({
    kafka: (operation) => {
      if (operation === 'open') fenced.push(operation)
      return 'none'
    },
  })
  const text = typeof document === 'object' ? serializeDocument(document) : document
  if (text !== undefined) on.store.tamper(KEY, text)
  const confirmedDocument = documentIdOf(on.store.stored(KEY))
  const wish = (more: Partial<Rewind> = {}) =>
    on.wish({ rewind: { id: 'rewind', to: null, republish: true, confirmedDocument, ...wanted, ...more } })
  const codeOfOpening = (parts: OpenParts = on.openParts): Promise<ErrorCode | 'opened' | 'paused'> =>
    openStream(parts, never).then(
      (opened) => (opened === 'paused' ? opened : 'opened'),
      (error: unknown) => codeOf(error),
    )
  return { ...on, fenced, wish, codeOfOpening, wishes: () => parseWishes(on.store.stored(WISHES)?.text ?? '') }
}

/** A document that matches the cluster of the stage. */
function own(parts: Parameters<typeof documentWith>[0] = {}): CheckpointDocument {
  const document = documentWith(parts)
  return { ...document, destination: { ...document.destination, clusterId: 'fake-cluster' } }
}

async function commit(
  on: ReturnType<typeof stage>,
  record: { epoch: number; seq: number; nonce: string },
  nextEvent = 4,
) {
  const producer = await on.openParts.publisher.open(optionsWithoutCheckpoint, never)
  await using transaction = producer.begin(never)
  await transaction.send([sentEvent('7', '{}')])
  await transaction.commit({ ...record, nextEvent })
}

describe('a rewind', () => {
  const document = own({ committed: { expectsRecord: false, state: indexed } })
  const to = timeText('2026-03-01T00:00:00')

  test('for some clients makes their contents unknown at the claim, in what is stored and in memory', async () => {
    const clients = [1, 9].map((client) => Buffer.from(key(client), 'latin1').toString('base64url'))
    const on = rewinding(own({ committed: { state: indexed }, pending: {} }), { to, confirmedDocument: null, clients })
    on.wish()
    await commit(on, { epoch: 4, seq: 11, nonce: 'p' })
    const { checkpoint } = await openedStream(on.openParts)
    const stored = await loadTable(on.store.segments(KEY), checkpoint.state().index, never)
    for (const table of [checkpoint.table, stored]) {
      const isUnknown = [1, 2, 3, 4, 9].map((client) => table.get(key(client))?.content === UNKNOWN_CONTENT)
      expect(isUnknown).toEqual([true, false, false, false, false])
      expect(table.size()).toBe(4)
    }
  })

  test('that waits is applied by the claim, which says so in the document', async () => {
    const on = rewinding(document, { to, republish: false, confirmedDocument: null })
    on.wish()
    const { checkpoint } = await openedStream(on.openParts)
    expect(on.document()).toMatchObject({
      appliedRewind: 'rewind',
      claim: { epoch: 5 },
      committed: { epoch: 4, seq: 10 },
    })
    expect(checkpoint.state().scans.history).toEqual(historyOf('first', { from: to }))
    expect([1, 2].map((client) => checkpoint.table.get(key(client))?.eventNumber)).toEqual([0, 1])
  })

  test('that was applied is cleared by the next opening, and not applied again', async () => {
    const on = rewinding(document)
    on.wish()
    const { checkpoint } = await openedStream(on.openParts)
    checkpoint.advance({ ...checkpoint.state(), scans: { ...state.scans, history: historyOf('done') }, entries: '' })
    await checkpoint.save(never)
    const again = await openedStream(on.openParts)
    expect(on.wishes()?.rewind).toBeNull()
    expect(again.checkpoint.state().scans.history.state).toBe('done')
  })

  test('of a paused stream is applied by an opening, after which nothing is left to open', async () => {
    const on = rewinding({ ...document, claim: { ...document.claim, owner: null } })
    on.wish()
    on.wish()
    const { rewind = null } = on.wishes() ?? {}
    on.store.tamper(WISHES, JSON.stringify({ ...on.wishes(), paused: true, rewind }))
    const { checkpoint } = await openedStream(on.openParts)
    await checkpoint.leave(never)
    expect(await on.codeOfOpening()).toBe('paused')
    expect(on.fenced).toHaveLength(1)
    expect(on.wishes()).toMatchObject({ paused: true, rewind: null })
  })
})

const segment = { name: '3-s', tier: 'base', from: 0, to: 1, hasUnknown: false, entries: 1, sha256: 'x' } as const
const withSegment = own({
  committed: { expectsRecord: false, state: { ...state, index: { ...state.index, segments: [segment] } } },
})

interface Held {
  readonly code: ErrorCode
  readonly document: CheckpointDocument | string | undefined
  readonly prepare?: (on: ReturnType<typeof rewinding>) => Promise<void> | void
  readonly parts?: (open: OpenParts) => OpenParts
  /** Of the claim and of the committed state. */
  readonly epoch: number
  readonly nextEvent: number
}

const later = { epoch: 9, seq: 30, nonce: 'x' }
const held: Record<string, Held> = {
  'a document that is damaged': {
    code: 'checkpoint.damaged',
    document: '{',
    epoch: seconds,
    nextEvent: seconds * 500_000,
  },
  'a document that is missing': {
    code: 'checkpoint.damaged',
    document: undefined,
    epoch: seconds,
    nextEvent: seconds * 500_000,
    prepare: (on) => commit(on, later),
  },
  'a topic that was deleted': {
    code: 'checkpoint.topic-lost',
    document: own(),
    epoch: 5,
    nextEvent: 2,
    prepare: (on) => on.kafka.deleteTopic(),
  },
  'a document that was rolled back': {
    code: 'checkpoint.rolled-back',
    document: own({ pending: {} }),
    epoch: 10,
    nextEvent: 40,
    prepare: (on) => commit(on, later, 40),
  },
  'an index that is missing': { code: 'checkpoint.index-damaged', document: withSegment, epoch: 5, nextEvent: 2 },
}

describe.each(Object.entries(held))(
  'a stream that is held by %s',
  (_what, { code, document, prepare, epoch, nextEvent }) => {
    test('stays held without --yes, without --republish, and with a yes for another document', async () => {
      const on = rewinding(document)
      await prepare?.(on)
      const text = on.store.stored(KEY)?.text
      expect(await on.codeOfOpening()).toBe(code)
      for (const wanted of [{ confirmedDocument: null }, { republish: false }, { confirmedDocument: 'another' }]) {
        on.wish(wanted)
        expect(await on.codeOfOpening()).toBe(code)
      }
      expect(on.store.stored(KEY)?.text).toBe(text)
    })

    test('begins again with --republish --yes: above all that was used, with an empty index and its whole history', async () => {
      const on = rewinding(document, { to: timeText('2026-06-16T00:00:00') })
      await prepare?.(on)
      on.wish()
      const { checkpoint, producer } = await openedStream(on.openParts)
      const stored = on.document()
      expect(stored).toMatchObject({
        appliedRewind: 'rewind',
        claim: { epoch, owner: 'replica-1' },
        committed: { epoch, seq: 0, expectsRecord: false },
        destination: { clusterId: 'fake-cluster', topic: 'client.modified' },
        pending: null,
      })
      expect(checkpoint.state()).toMatchObject({
        nextEvent,
        scans: { history: { state: 'first', from: beginAt, republication: { id: 'rewind' } } },
        index: { generation: epoch, segments: [], delta: '' },
      })
      const record = await checkpoint.prepare({ ...change, nextEvent: nextEvent + 2 }, never)
      {
        await using transaction = producer.begin(never)
        await transaction.send([])
        await transaction.commit(record)
      }
      expect((await openedStream(on.openParts)).checkpoint.state().nextEvent).toBe(nextEvent + 2)
    })
  },
)

describe('a stream whose pending transaction is undecided', () => {
  const document = own({ committed: { state: indexed }, pending: {} })

  test('stays held without --yes, and goes on with it: the clients in pending are not known', async () => {
    const on = rewinding(document, { republish: false })
    on.wish({ confirmedDocument: null })
    expect(await on.codeOfOpening()).toBe('checkpoint.undecided')
    on.wish()
    const { checkpoint } = await openedStream(on.openParts)
    expect(on.document()).toMatchObject({
      appliedRewind: 'rewind',
      claim: { epoch: 5 },
      committed: { epoch: 4, seq: 10, expectsRecord: false },
      pending: null,
    })
    expect(checkpoint.state().nextEvent).toBe(change.nextEvent)
    const contents = [1, 2, 3, 4].map((client) => checkpoint.table.get(key(client))?.content)
    expect(contents.map((content) => content === UNKNOWN_CONTENT)).toEqual([false, false, true, true])
    expect(await on.codeOfOpening()).toBe('opened')
  })
})

test('a document of another stream, or of a newer version, is cured by no rewind', async () => {
  for (const document of [serializeDocument({ ...own(), stream: 'other' }), '{"format":99}']) {
    const on = rewinding(document)
    on.wish()
    expect(await on.codeOfOpening()).toMatch(/^checkpoint\.(?:other-stream|unknown-format)$/)
    expect(on.fenced).toEqual([])
    expect(on.store.stored(KEY)?.text).toBe(document)
  }
})
