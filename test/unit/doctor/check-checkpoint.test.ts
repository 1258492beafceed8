import { expect, it } from 'vitest'
import { type CheckpointDocument, serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { checkCheckpoint } from '../../../connector/doctor/check-checkpoint.ts'
import type { CommitRecord } from '../../../connector/publish/event-publisher.ts'
import { DAY_MS, documentWith, identity, now } from '../checkpoint/documents.ts'

const { signal } = new AbortController()

function checkOf(document: CheckpointDocument, record: CommitRecord | undefined) {
  const stored = { text: serializeDocument(document), version: 'v' as never }
  const object = { read: async () => stored, write: () => Promise.reject(new Error('was written')) }
  const { destination, ...own } = identity
  const readState = async () => ({ destination, stored: { record, isUnstable: false }, open: [] })
  const clock = { now: () => now } as never
  const delivery = 'exactly-once' as const
  const question = {
    object,
    identity: own,
    beginAt: undefined,
    timeZone: 'UTC',
    delivery,
    offsetsRetentionMs: 7 * DAY_MS,
  }
  return checkCheckpoint({ ...question, clock, readState }, signal)
}

it('is ok when Kafka has the commit record of the checkpoint', async () => {
  const { verdict, detail } = await checkOf(documentWith({}), { epoch: 4, seq: 10, nonce: 'c' })
  expect({ verdict, detail }).toMatchObject({ verdict: 'ok', detail: expect.stringContaining('2 events') })
})

it('warns when Kafka has no commit record of the checkpoint, because the events then decide', async () => {
  const { verdict, detail } = await checkOf(documentWith({}), { epoch: 4, seq: 9, nonce: 'o' })
  expect({ verdict, detail }).toMatchObject({
    verdict: 'warning',
    detail: expect.stringContaining('does not have its commit record'),
  })
})

it('fails when the checkpoint was rolled back', async () => {
  const found = checkOf(documentWith({}), { epoch: 5, seq: 1, nonce: 'n' })
  expect(await found).toMatchObject({ verdict: 'failed', code: 'checkpoint.rolled-back' })
})
