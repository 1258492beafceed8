import { describe, expect, test } from 'vitest'
import { parseDocument, serializeDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'
import { FULL, REQUESTED } from '../../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../../connector/source/client-source.ts'
import { openStream } from '../../../../connector/stream/open/open-stream.ts'
import { type RewriteRequest, rewriteCheckpoint } from '../../../../connector/stream/rewrite/rewrite-checkpoint.ts'
import { driven } from '../../../support/driven.ts'
import { sentEvent } from '../../../support/records.ts'
import { never } from '../../../support/signals.ts'
import { change } from '../../checkpoint/documents.ts'
import { liveScan } from '../../pipeline/readings.ts'
import { noon, scanOf, statesOf } from '../../scan/scans.ts'
import { connector, KEY, stage, stream } from '../open/open-parts.ts'

const timeZone = 'Europe/Paris'
const from = '2025-01-01T00:00:00' as SourceTime
const request = { to: { kind: 'read-again', from }, republish: false, timeZone } as const
const recheck = { from, after: 0, dueAt: 0 }

/** A stage where replica-1 has opened the stream for the third time and published its first transaction. */
async function running() {
  const on = stage()
  for (let opening = 1; opening < 3; opening += 1) await openStream(on.open, never)
  const stream = await openStream(on.open, never)
  const record = await stream.checkpoint.prepare(change, never)
  await using transaction = stream.producer.begin(never)
  await transaction.send([])
  await transaction.commit(record)
  stream.checkpoint.decided()
  const operator = { ...on.open, owner: 'operator' }
  return { ...on, stream, record, operator, stored: () => parseDocument(on.store.stored(KEY)?.text ?? '') }
}

describe('rewriteCheckpoint', () => {
  test('returns the valid state, and writes where to read again with the next epoch', async () => {
    const { operator, stored } = await running()
    const { before, after } = await rewriteCheckpoint(operator, request, never)
    expect(before).toMatchObject({ kind: 'state', state: { events: change.events } })
    expect(after).toEqual(stored())
    expect(after).toMatchObject({
      claim: { epoch: 4, owner: 'operator' },
      committed: {
        epoch: 4,
        hasRecord: false,
        state: { recheck, events: change.events, mapping: null, index: { contentsFrom: 0, delta: change.entries } },
      },
      pending: null,
    })
  })

  test('Invariant 4: fences the running replica, which can no longer publish or write the checkpoint', async () => {
    const { operator, stream, stored } = await running()
    const { after } = await rewriteCheckpoint(operator, request, never)
    await using transaction = stream.producer.begin(never)
    const sent = transaction.send([sentEvent('1', '{}')])
    expect(codeOf(await sent.catch((error: unknown) => error))).toBe('publish.fenced')
    const prepared = stream.checkpoint.prepare(change, never)
    expect(codeOf(await prepared.catch((error: unknown) => error))).toBe('publish.fenced')
    expect(stored()).toEqual(after)
  })

  test('stays valid when the stream is opened again, although the earlier commit record still exists', async () => {
    const { operator, open } = await running()
    await rewriteCheckpoint(operator, request, never)
    const { checkpoint } = await openStream(open, never)
    expect(checkpoint.state()).toMatchObject({ recheck, events: change.events })
  })

  test('cures a stream of which nobody knows whether its last transaction was committed', async () => {
    const on = stage()
    const { producer, checkpoint } = await openStream(on.open, never)
    const record = await checkpoint.prepare({ ...change, events: 1 }, never)
    on.kafka.loseNextRecordMarker(connector, stream)
    await using transaction = producer.begin(never)
    await transaction.send([sentEvent('1', '{}')])
    await transaction.commit(record)
    const opening = () => openStream(on.open, never).then(() => 'opened', codeOf)
    expect(await opening()).toBe('checkpoint.undecided')
    const { before, after } = await rewriteCheckpoint({ ...on.open, owner: 'operator' }, request, never)
    expect(before).toMatchObject({ kind: 'unknown' })
    expect(after.committed.state).toMatchObject({ events: 1, index: { delta: '' } })
    expect(await opening()).toBe('opened')
  })

  test('creates the checkpoint of a new stream', async () => {
    const on = stage()
    const { before, after } = await rewriteCheckpoint(on.open, request, never)
    expect(before).toEqual({ kind: 'none' })
    expect(after.committed).toMatchObject({ hasRecord: false, state: { events: 0 } })
    expect((await openStream(on.open, never)).checkpoint.state().recheck).toEqual(recheck)
  })

  test.each([
    ['a deleted document', undefined],
    ['a damaged document', '{"format":3'],
    ['a document of another format', '{"format":8}'],
  ])('replaces %s, with an epoch above that of the commit record', async (_what, text) => {
    const { operator, store, record, open } = await running()
    store.tamper(KEY, text)
    const { before, after } = await rewriteCheckpoint(operator, request, never)
    expect(before.kind).toBe(text === undefined ? 'none' : 'unknown')
    expect(after.claim.epoch).toBeGreaterThan(record.epoch)
    expect((await openStream(open, never)).checkpoint.state().recheck).toEqual(recheck)
  })

  test('replaces a document that would hold the stream, and returns the reason', async () => {
    const { operator, store, open } = await running()
    const claimed = store.history(KEY).at(-2)
    store.tamper(KEY, claimed) // rolled back
    expect(codeOf(await openStream(open, never).catch((error: unknown) => error))).toBe('checkpoint.rolled-back')
    const { before } = await rewriteCheckpoint(operator, request, never)
    expect(before).toMatchObject({ kind: 'unknown', why: expect.stringContaining('newer') })
    expect((await openStream(open, never)).checkpoint.state().recheck).toEqual(recheck)
  })

  test('Invariant 4: uses an epoch above that of a document whose state is unknown', async () => {
    const { operator, store, stored } = await running()
    const claim = { epoch: 20, owner: 'replica-1', at: 0 }
    store.tamper(KEY, serializeDocument({ ...stored(), claim, pending: null })) // its commit is missing
    const { before, after } = await rewriteCheckpoint(operator, request, never)
    expect(before.kind).toBe('unknown')
    expect(after.claim.epoch).toBe(21)
  })

  describe('when the state can be read', () => {
    const rewritten = async (to: RewriteRequest['to'], republish = false) => {
      const on = await running()
      const inProgress = {
        live: { startedAt: noon, scan: liveScan() },
        background: [scanOf({ kind: 'full', tag: FULL }), requestedScan],
      }
      const scans = statesOf(inProgress)
      on.stream.checkpoint.advance({
        ...change,
        scans,
        parts,
        recheck: { from: earlier, after: 5, dueAt: 5 },
        entries: '',
      })
      await on.stream.checkpoint.save(never)
      const { after } = await rewriteCheckpoint(on.operator, { to, republish, timeZone }, never)
      return { ...after.committed.state, before: scans }
    }
    const earlier = '2024-06-01T00:00:00' as SourceTime
    const parts = { republish: { id: 'one' } }
    const requestedScan = scanOf({ kind: 'requested', tag: REQUESTED })

    test('read-again has one background scan read from there, or from where one was due anyway', async () => {
      expect(await rewritten({ kind: 'read-again', from })).toMatchObject({
        recheck: { from: earlier, after: 0, dueAt: 0 },
      })
      const first = '2023-01-01T00:00:00' as SourceTime
      const { recheck, scans, before } = await rewritten({ kind: 'read-again', from: first })
      expect(recheck).toEqual({ from: first, after: 0, dueAt: 0 })
      // The scans in progress continue.
      expect(scans).toEqual(before)
    })

    test('the states of parts are kept by read-again, but not by reset and skip: parts begin again', async () => {
      expect(await rewritten({ kind: 'read-again', from })).toMatchObject({ parts })
      for (const to of [{ kind: 'reset' }, { kind: 'skip', from }] as const) {
        const { parts, scans } = await rewritten(to)
        expect([parts, scans.background]).toEqual([{}, []])
      }
    })

    test('reset has the backfill run again', async () => {
      expect(await rewritten({ kind: 'reset' })).toMatchObject({
        recheck: null,
        scans: { backfill: 'due', background: [], live: { scan: null } },
      })
    })

    test('skip has all scans continue at a time, as if everything before had been read', async () => {
      const to = '2026-06-15T11:00:00' as SourceTime
      const startedAt = Date.parse('2026-06-15T09:00:00Z')
      const { scans, recheck } = await rewritten({ kind: 'skip', from: to })
      expect(recheck).toBeNull()
      expect(scans).toMatchObject({ backfill: 'done', live: { startedAt }, lookBacks: [{ startedAt }, { startedAt }] })
    })

    test('skip to a time ahead leaves look-backs where our clock is', async () => {
      const { scans } = await rewritten({ kind: 'skip', from: '2026-06-16T12:00:00' as SourceTime })
      expect(scans.live.startedAt).toBe(noon + 86_400_000)
      expect(scans.lookBacks.map(({ startedAt }) => startedAt)).toEqual([noon, noon])
    })

    test('the client index is kept, so that only clients that differ from it are published again', async () => {
      const { index, events } = await rewritten({ kind: 'read-again', from })
      expect([index.contentsFrom, index.generation, index.delta, events]).toEqual([0, 0, change.entries, change.events])
    })

    test('its contents are forgotten with --republish, its event numbers are not', async () => {
      const { index } = await rewritten({ kind: 'reset' }, true)
      expect([index.contentsFrom, index.delta]).toEqual([change.events, change.entries])
    })
  })

  test('Invariant 7: begins a new generation of the client index when the old one is lost, so that no event id is used twice', async () => {
    const { operator, store } = await running()
    store.tamper(KEY, '{')
    const { after } = await rewriteCheckpoint(operator, { ...request, to: { kind: 'reset' } }, never)
    expect(after.committed.state.index).toMatchObject({ generation: after.claim.epoch, segments: [], delta: '' })
  })

  test('rejects a stream whose topic was deleted, except with --republish once the topic was created again', async () => {
    const { operator, kafka, open } = await running()
    kafka.deleteTopic()
    const codeWith = (republish: boolean) =>
      rewriteCheckpoint(operator, { ...request, republish }, never).then(() => 'rewritten', codeOf)
    expect(await codeWith(false)).toBe('checkpoint.topic-lost')
    expect(await codeWith(true)).toBe('publish.topic-missing')
    const moved = rewriteCheckpoint({ ...operator, topic: 'another' }, request, never)
    expect(await moved.then(() => 'rewritten', codeOf)).toBe('publish.topic-missing')
    kafka.createTopic()
    const { after } = await rewriteCheckpoint(operator, { ...request, republish: true }, never)
    expect(after).toMatchObject({
      destination: { topicId: 'topic 2' },
      committed: { state: { events: change.events } },
    })
    expect((await openStream(open, never)).checkpoint.state().events).toBe(change.events)
  })

  test('starts over when another process writes the document at the same time, and overwrites nothing', async () => {
    const on = await running()
    const { epoch } = on.stored().claim
    let isFirst = true
    const object = {
      read: on.operator.object.read,
      write: async (...args: Parameters<typeof on.operator.object.write>) => {
        if (isFirst) await openStream(on.open, never)
        isFirst = false
        return await on.operator.object.write(...args)
      },
    }
    const rewriting = rewriteCheckpoint({ ...on.operator, object }, request, never)
    const { before, after } = await driven(on.clock, rewriting)
    expect(before).toMatchObject({ kind: 'state', state: { events: change.events } })
    expect(after.claim).toMatchObject({ owner: 'operator', epoch: epoch + 2 })
    expect(on.stored()).toEqual(after)
  })
})
