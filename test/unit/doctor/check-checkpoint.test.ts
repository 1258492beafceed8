import { expect, it } from 'vitest'
import { type CheckpointDocument, serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { checkCheckpoint } from '../../../connector/doctor/check-checkpoint.ts'
import type { Note } from '../../../connector/publish/event-publisher.ts'
import { DAY_MS, documentWith, identity, now } from '../checkpoint/documents.ts'

const { signal } = new AbortController()

function checked(document: CheckpointDocument, note: Note | undefined) {
  const stored = { text: serializeDocument(document), version: 'v' as never }
  const object = { read: async () => stored, write: () => Promise.reject(new Error('was written')) }
  const { destination, ...own } = identity
  const kafka = { destination, readNote: async () => note }
  const clock = { now: () => now } as never
  const question = { object, identity: own, beginAt: undefined, offsetsRetentionMs: 7 * DAY_MS, clock, kafka }
  return checkCheckpoint(question, signal)
}

it('is well with its note', async () => {
  const { verdict, seen } = await checked(documentWith({}), { epoch: 4, seq: 10, nonce: 'c' })
  expect({ verdict, seen }).toMatchObject({ verdict: 'ok', seen: expect.stringContaining('2 events') })
})

it('warns where Kafka has not the note that goes with it, since the events will tell', async () => {
  const { verdict, seen } = await checked(documentWith({}), { epoch: 4, seq: 9, nonce: 'o' })
  expect({ verdict, seen }).toMatchObject({ verdict: 'warning', seen: expect.stringContaining('not the note') })
})

it('fails where it was rolled back', async () => {
  const found = checked(documentWith({}), { epoch: 5, seq: 1, nonce: 'n' })
  expect(await found).toMatchObject({ verdict: 'failed', code: 'checkpoint.rolled-back' })
})
