import { expect, test } from 'vitest'
import { type CheckpointDocument, serializeDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import type { StreamKafkaChecks } from '../../../../connector/inspect/doctor/check-kafka.ts'
import { type CheckpointCheck, checkCheckpoint } from '../../../../connector/inspect/doctor/check-store.ts'
import type { StreamUnderTest } from '../../../../connector/inspect/doctor/doctor-parts.ts'
import type { CommitRecord, FoundRecord } from '../../../../connector/publish/event-publisher.ts'
import { never } from '../../../support/signals.ts'
import { documentWith, identity, now } from '../../checkpoint/documents.ts'

// A document is judged beside a commit record; writing is an error.

interface Asked extends Partial<CheckpointCheck['stream']['config']> {
  readonly identity?: typeof identity
  readonly isTopicMissing?: boolean
  readonly readState?: CheckpointCheck['readState']
  readonly versions?: string[]
}

function checkOf(document: CheckpointDocument | undefined, record: CommitRecord | undefined, asked: Asked = {}) {
  const { identity: configured = identity, isTopicMissing = false, versions = [], ...config } = asked
  const stored = document && { text: serializeDocument(document) }
  const read = async () => stored && { ...stored, version: (versions.shift() ?? 'v') as never }
  const { destination, ...own } = configured
  const foundRecord: FoundRecord = record === undefined ? { kind: 'none' } : { kind: 'record', record }
  const readState = async () => ({
    destination: { ...identity.destination, ...destination },
    foundRecord,
    openTransactions: [],
    isTopicEmpty: true,
  })
  const stream = {
    object: { read, write: () => Promise.reject(new Error('was written')) },
    identity: own,
    config: {
      beginAt: undefined,
      topicUse: 'exclusive' as const,
      poll: { timeZone: 'UTC' },
      kafka: { topic: { events: destination.topic } },
      ...config,
    },
  } as unknown as StreamUnderTest
  const { clusterId } = destination
  return checkCheckpoint(
    {
      stream,
      kafka: { clusterId, isTopicMissing } as StreamKafkaChecks,
      clock: { now: () => now } as never,
      readState,
      ...('readState' in asked && { readState: asked.readState }),
    },
    never,
  )
}

test('names the replica on which the stream is open, or none', async () => {
  const record = { epoch: 4, seq: 10, nonce: 'c', nextEvent: 2 }
  const ofOwner = async (owner: string | null) => {
    const { claim, ...document } = documentWith({})
    return (await checkOf({ ...document, claim: { ...claim, owner } }, record)).detail
  }
  expect(await ofOwner('shop-1')).toMatch(/^epoch \d+, open on shop-1, claimed at .*Z; next event number 2$/)
  expect(await ofOwner(null)).toMatch(/^epoch \d+, open on no replica, claimed at .*Z; next event number 2$/)
})

test('fails when Kafka has an older commit record only', async () => {
  const found = checkOf(documentWith({}), { epoch: 4, seq: 9, nonce: 'o', nextEvent: 2 })
  expect(await found).toMatchObject({ verdict: 'failed', code: 'checkpoint.events-lost' })
})

const { destination } = identity

test.each([
  ['another topic', { destination: { ...destination, topic: 'other' } }, 'checkpoint.topic-lost'],
  ['the same topic, which was deleted', {}, 'checkpoint.topic-lost'],
])('fails with %s, although the topic does not exist yet', async (_, changed, code) => {
  const more = { readState: undefined, isTopicMissing: true, identity: { ...identity, ...changed } }
  expect(await checkOf(documentWith({}), undefined, more)).toMatchObject({ verdict: 'failed', code })
})

test('fails when a stream without a checkpoint has a topic with records, unless that is meant', async () => {
  const { destination } = identity
  const readState = async () => ({
    destination,
    foundRecord: { kind: 'none' as const },
    openTransactions: [],
    isTopicEmpty: false,
  })
  const more = { beginAt: '2026-01-01T00:00:00' as never, readState }
  expect(await checkOf(undefined, undefined, more)).toMatchObject({
    verdict: 'failed',
    code: 'checkpoint.topic-in-use',
  })
  expect(await checkOf(undefined, undefined, { ...more, topicUse: 'shared' })).toMatchObject({ verdict: 'ok' })
})

test('is ok while a replica writes the document', async () => {
  const record = { epoch: 5, seq: 1, nonce: 'n', nextEvent: 2 }
  expect(await checkOf(documentWith({}), record, { versions: ['1', '2'] })).toMatchObject({
    verdict: 'ok',
    detail: expect.stringContaining('being written by'),
  })
})
