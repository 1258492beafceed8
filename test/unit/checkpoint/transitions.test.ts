import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareNotes } from '../../../connector/checkpoint/checkpoint-document.ts'
import { resolve } from '../../../connector/checkpoint/resolve.ts'
import { stateAfter } from '../../../connector/checkpoint/stream-state.ts'
import {
  claimed,
  committedAtLeastOnce,
  committedByNote,
  firstDocument,
  moved,
  noteOf,
  prepared,
  setByOperator,
} from '../../../connector/checkpoint/transitions.ts'
import { openWindow } from '../../../connector/event/window.ts'
import { anyChange, anyDocument, anyState, change, documentWith, identity, now, reloaded, state } from './documents.ts'

const stamp = { nonce: 'new', at: now }
const who = { ...stamp, owner: 'replica-2' }
const at = { isHanging: false, now, retentionMs: 7 * 86_400_000 }

describe('how the document moves', () => {
  test('a stream begins at epoch 1, number 0, without a note', () => {
    const document = firstDocument(identity, state, who)
    expect(document).toMatchObject({ format: 1, nonce: 'new', ...identity, pending: null })
    expect(document.claim).toEqual({ epoch: 1, owner: 'replica-2', at: now })
    expect(document.committed).toMatchObject({ epoch: 1, seq: 0, nonce: 'new', by: 'beginning' })
    expect(resolve(document, { ...at, note: undefined })).toEqual({ kind: 'committed' })
  })

  test('Invariant 4: a claim has a higher epoch, and the truth alone', () => {
    const before = documentWith({ pending: {} })
    const document = claimed(before, before.committed, { ...who, identity })
    expect(document).toMatchObject({ nonce: 'new', pending: null, committed: before.committed })
    expect(document.claim).toEqual({ epoch: before.claim.epoch + 1, owner: 'replica-2', at: now })
  })

  test('a claim takes the new URL and the grown partitions over', () => {
    const grown = { ...identity, destination: { ...identity.destination, partitions: 12 } }
    const before = documentWith({})
    expect(claimed(before, before.committed, { ...who, identity: grown }).destination.partitions).toBe(12)
  })

  test('what is prepared is decided by the note of its own epoch and the next number', () => {
    const before = { ...documentWith({}), claim: { epoch: 5, owner: 'replica-2', at: now } }
    const document = prepared(before, change, stamp)
    expect(document.committed).toEqual(before.committed)
    expect(noteOf(document)).toEqual({ epoch: 5, seq: 11, nonce: 'new' })
    expect(resolve(document, { ...at, note: noteOf(document) })).toEqual({ kind: 'pending' })
    expect(compareNotes(noteOf(document), before.committed)).toBe('newer')
  })

  test('without anything prepared there is no note', () => {
    expect(() => noteOf(documentWith({}))).toThrow('nothing is prepared')
  })

  test('a save moves the state; number, decision and its time stay', () => {
    const before = documentWith({ pending: {} })
    const next = { ...state, events: 99 }
    expect(moved(before, next, stamp)).toEqual({
      ...before,
      nonce: 'new',
      pending: null,
      committed: { ...before.committed, state: next },
    })
  })

  test('at least once counts on, and says that no note will come', () => {
    const before = { ...documentWith({}), claim: { epoch: 5, owner: 'replica-2', at: now } }
    const document = committedAtLeastOnce(before, state, stamp)
    expect(document.committed).toEqual({ epoch: 5, seq: 11, nonce: 'new', at: now, by: 'at-least-once', state })
    expect(resolve(document, { ...at, note: { epoch: 4, seq: 10, nonce: 'c' } })).toEqual({ kind: 'committed' })
  })

  test("an operator's word is the next epoch, and the notes of before do not speak against it", () => {
    const before = documentWith({ pending: {} })
    const document = setByOperator(before, state, { ...stamp, owner: 'operator' })
    expect(document.claim).toEqual({ epoch: 5, owner: 'operator', at: now })
    expect(document.committed).toMatchObject({ epoch: 5, seq: 10, by: 'operator' })
    for (const note of [undefined, { epoch: 4, seq: 10, nonce: 'c' }, { epoch: 4, seq: 11, nonce: 'p' }])
      expect(resolve(document, { ...at, note })).toEqual({ kind: 'committed' })
  })

  test('each of them can be read back', () => {
    fc.assert(
      fc.property(anyDocument, anyState, anyChange, (document, next, added) => {
        const all = [
          firstDocument(identity, next, who),
          claimed(document, document.committed, { ...who, identity }),
          prepared(document, added, stamp),
          moved(document, next, stamp),
          committedAtLeastOnce(document, next, stamp),
          setByOperator(document, next, who),
        ]
        for (const one of all) expect(reloaded(one)).toEqual(one)
      }),
    )
  })
})

describe('the state that a change leads to', () => {
  test('Invariant 2: is the same for the replica that runs on and for the one that reloads the document', () => {
    fc.assert(
      fc.property(anyDocument, anyChange, fc.integer({ min: 1, max: 5 }), (document, added, capacity) => {
        const window = openWindow(document.committed.state.window, capacity)
        for (const step of added.windowSteps) window.apply(step)
        const { resume, events, mapping } = added
        const live = { resume, events, mapping, window: window.state() }
        expect(stateAfter(document.committed.state, added, capacity)).toEqual(live)

        const onDisk = reloaded(prepared(document, added, stamp))
        const { state: taken, ...decision } = committedByNote(onDisk, capacity)
        expect(taken).toEqual(live)
        expect(decision).toEqual({ ...noteOf(onDisk), at: now, by: 'note' })
      }),
    )
  })

  test('without anything pending is the committed one', () => {
    const document = documentWith({})
    expect(committedByNote(document, 10)).toBe(document.committed)
  })
})
