import { expect, it } from 'vitest'
import { type CheckpointDocument, serializeDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { beginning } from '../../../../connector/checkpoint/stream-state.ts'
import { type CheckpointQuestion, checkCheckpoint } from '../../../../connector/inspect/doctor/check-checkpoint.ts'
import type { CommitRecord, FoundRecord } from '../../../../connector/publish/event-publisher.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { never } from '../../../support/signals.ts'
import { documentWith, identity, now } from '../../checkpoint/documents.ts'

function checkOf(
  document: CheckpointDocument | undefined,
  record: CommitRecord | undefined,
  more: Partial<CheckpointQuestion> = {},
) {
  const stored = document && { text: serializeDocument(document), version: 'v' as never }
  const object = { read: async () => stored, write: () => Promise.reject(new Error('was written')) }
  const { destination } = identity
  const found: FoundRecord = record === undefined ? { kind: 'none' } : { kind: 'record', record }
  const readState = async () => ({ destination, found, open: [], isEmpty: true })
  const clock = { now: () => now } as never
  const question = {
    object,
    identity,
    isTopicMissing: false,
    beginAt: undefined,
    timeZone: 'UTC',
    readIndex: async () => {},
    topicUse: 'exclusive' as const,
  }
  return checkCheckpoint({ ...question, clock, readState, ...more }, never)
}

it('is ok when Kafka has the commit record of the checkpoint', async () => {
  const { verdict, detail } = await checkOf(documentWith({}), { epoch: 4, seq: 10, nonce: 'c', events: 2 })
  expect({ verdict, detail }).toMatchObject({ verdict: 'ok', detail: expect.stringContaining('2 events') })
})

it('fails when Kafka has an older commit record only', async () => {
  const found = checkOf(documentWith({}), { epoch: 4, seq: 9, nonce: 'o', events: 2 })
  expect(await found).toMatchObject({ verdict: 'failed', code: 'checkpoint.events-lost' })
})

it('fails when the checkpoint was rolled back', async () => {
  const found = checkOf(documentWith({}), { epoch: 5, seq: 1, nonce: 'n', events: 2 })
  expect(await found).toMatchObject({ verdict: 'failed', code: 'checkpoint.rolled-back' })
})

const withoutTopics = { readState: undefined, isTopicMissing: true }
const { clusterId, topic } = identity.destination

it.each([
  ['another topic', { destination: { clusterId, topic: 'other' } }, 'checkpoint.topic-lost'],
  ['another cluster', { destination: { clusterId: 'other', topic } }, 'checkpoint.topic-lost'],
  ['another codeMagasin', { source: { ...identity.source, codeMagasin: 2 } }, 'checkpoint.other-stream'],
  ['the same topic, which was deleted', { destination: { clusterId, topic } }, 'checkpoint.topic-lost'],
])('fails with %s, although the topic does not exist yet', async (_, changed, code) => {
  const more = { ...withoutTopics, identity: { ...identity, ...changed } }
  expect(await checkOf(documentWith({}), undefined, more)).toMatchObject({ verdict: 'failed', code })
})

it('is ok without the topic when nothing was published', async () => {
  const document = documentWith({ committed: { state: beginning } })
  expect(await checkOf(document, undefined, withoutTopics)).toMatchObject({ verdict: 'ok' })
})

it('fails when a stream without a checkpoint has a topic with records, unless that is meant', async () => {
  const { destination } = identity
  const readState = async () => ({ destination, found: { kind: 'none' as const }, open: [], isEmpty: false })
  const more = { beginAt: '2026-01-01T00:00:00' as never, readState }
  expect(await checkOf(undefined, undefined, more)).toMatchObject({
    verdict: 'failed',
    code: 'checkpoint.topic-in-use',
  })
  expect(await checkOf(undefined, undefined, { ...more, topicUse: 'shared' })).toMatchObject({ verdict: 'ok' })
})

it('rejects when the client index cannot be read, unless the document was replaced meanwhile', async () => {
  const missing = new ConnectorError('checkpoint.index-damaged', 'segment s')
  const record = { epoch: 4, seq: 10, nonce: 'c', events: 2 }
  const readIndex = () => Promise.reject(missing)
  await expect(checkOf(documentWith({}), record, { readIndex })).rejects.toBe(missing)
  const text = serializeDocument(documentWith({}))
  const versions = ['1', '1', '2']
  const read = async () => ({ text, version: versions.shift() as never })
  const object = { read, write: () => Promise.reject(new Error('was written')) }
  expect(await checkOf(documentWith({}), record, { readIndex, object })).toMatchObject({ verdict: 'ok' })
})
