import { describe, expect, test } from 'vitest'
import { parseDocument, serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { openStream } from '../../../connector/pipeline/open-stream.ts'
import { rewriteCheckpoint } from '../../../connector/pipeline/rewrite-checkpoint.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { change } from '../checkpoint/documents.ts'
import { connector, KEY, stage, stream } from './open-parts.ts'

const { signal } = new AbortController()
const to = { lastChanged: '2025-01-01T00:00:00' as SourceTime, checkPoint: null, limit: 50, output: 'xml' as const }

/** A stage where replica-1 runs the stream, at its third opening, and has published its first transaction. */
async function running() {
  const on = stage()
  for (let opening = 1; opening < 3; opening += 1) await openStream(on.open, signal)
  const stream = await openStream(on.open, signal)
  const note = await stream.checkpoint.prepare(change, signal)
  await using transaction = stream.session.begin(signal)
  await transaction.send([])
  await transaction.commit(note)
  stream.checkpoint.decided({ ...stream.checkpoint.state(), events: change.events })
  const operator = { ...on.open, owner: 'operator' }
  return { ...on, stream, note, operator, stored: () => parseDocument(on.store.stored(KEY)?.text ?? '') }
}

describe("an operator's word", () => {
  test('shows what held, and writes the new beginning with the next epoch and an empty window', async () => {
    const { operator, stored } = await running()
    const { before, after } = await rewriteCheckpoint(operator, to, signal)
    expect(before).toMatchObject({ kind: 'state', state: { events: change.events } })
    expect(after).toEqual(stored())
    expect(after).toMatchObject({
      claim: { epoch: 4, owner: 'operator' },
      committed: {
        epoch: 4,
        by: 'operator',
        state: {
          resume: { ...to, drain: 'due', startedAt: null },
          events: change.events,
          mapping: null,
          window: { frozen: [], seen: [] },
        },
      },
      pending: null,
    })
  })

  test('Invariant 4: fences the replica that runs, which can neither publish nor checkpoint any more', async () => {
    const { operator, stream, stored } = await running()
    const { after } = await rewriteCheckpoint(operator, to, signal)
    await using transaction = stream.session.begin(signal)
    const sent = transaction.send([{ to: 'events', key: '1', value: '{}' }])
    expect(codeOf(await sent.catch((error: unknown) => error))).toBe('publish.fenced')
    const prepared = stream.checkpoint.prepare(change, signal)
    expect(codeOf(await prepared.catch((error: unknown) => error))).toBe('publish.fenced')
    expect(stored()).toEqual(after)
  })

  test('holds when the stream is opened again, although the note of before is still there', async () => {
    const { operator, open } = await running()
    await rewriteCheckpoint(operator, to, signal)
    const { checkpoint } = await openStream(open, signal)
    expect(checkpoint.state()).toMatchObject({ resume: { lastChanged: to.lastChanged }, events: change.events })
  })

  test('counts the events that are there, though Kafka has lost the end of their note', async () => {
    const on = stage()
    const { session, checkpoint } = await openStream(on.open, signal)
    const note = await checkpoint.prepare({ ...change, events: 1 }, signal)
    on.kafka.loseNextNote(connector, stream)
    await using transaction = session.begin(signal)
    const value = JSON.stringify({ source: `/polaris/${connector}/${stream}`, sequence: '0' })
    await transaction.send([{ to: 'events', key: '1', value }])
    await transaction.commit(note)
    const { before, after } = await rewriteCheckpoint({ ...on.open, owner: 'operator' }, to, signal)
    expect(before).toMatchObject({ kind: 'state', state: { events: 1 } })
    expect(after.committed.state.events).toBe(1)
  })

  test('begins a stream that has no checkpoint', async () => {
    const on = stage()
    const { before, after } = await rewriteCheckpoint(on.open, to, signal)
    expect(before).toEqual({ kind: 'none' })
    expect(after.committed).toMatchObject({ by: 'operator', state: { events: 0 } })
    expect((await openStream(on.open, signal)).checkpoint.state().resume.lastChanged).toBe(to.lastChanged)
  })

  test.each([
    ['a deleted document', undefined],
    ['a damaged document', '{"format":1'],
    ['a document of another format', '{"format":7}'],
  ])('replaces %s, with an epoch above that of the note', async (_what, text) => {
    const { operator, store, note, open } = await running()
    store.tamper(KEY, text)
    const { before, after } = await rewriteCheckpoint(operator, to, signal)
    expect(before.kind).toBe(text === undefined ? 'none' : 'unclear')
    expect(after.claim.epoch).toBeGreaterThan(note.epoch)
    expect((await openStream(open, signal)).checkpoint.state().resume.lastChanged).toBe(to.lastChanged)
  })

  test('replaces what would stop the stream, and says why it was not clear', async () => {
    const { operator, store, open } = await running()
    const claimed = store.history(KEY).at(-2)
    store.tamper(KEY, claimed) // rolled back
    expect(codeOf(await openStream(open, signal).catch((error: unknown) => error))).toBe('checkpoint.rolled-back')
    const { before } = await rewriteCheckpoint(operator, to, signal)
    expect(before).toMatchObject({ kind: 'unclear', why: expect.stringContaining('newer') })
    expect((await openStream(open, signal)).checkpoint.state().resume.lastChanged).toBe(to.lastChanged)
  })

  test('Invariant 4: its epoch is above that of a document that is not believed, too', async () => {
    const { operator, store, stored } = await running()
    const claim = { epoch: 20, owner: 'replica-1', at: 0 }
    store.tamper(KEY, serializeDocument({ ...stored(), claim, pending: null })) // its commit is missing
    const { before, after } = await rewriteCheckpoint(operator, to, signal)
    expect(before.kind).toBe('unclear')
    expect(after.claim.epoch).toBe(21)
  })

  test('takes nothing away when somebody wrote meanwhile', async () => {
    const on = await running()
    let theirs = ''
    const object = {
      read: on.operator.object.read,
      write: (...args: Parameters<typeof on.operator.object.write>) => {
        theirs = serializeDocument({ ...on.stored(), nonce: 'theirs' })
        on.store.tamper(KEY, theirs)
        return on.operator.object.write(...args)
      },
    }
    const rewritten = rewriteCheckpoint({ ...on.operator, object }, to, signal)
    expect(codeOf(await rewritten.catch((error: unknown) => error))).toBe('checkpoint.conflict')
    expect(on.store.stored(KEY)?.text).toBe(theirs)
  })
})
