import { describe, expect, test } from 'vitest'
import { newStreamState, type StreamIdentity } from '../../../connector/checkpoint/checkpoint-document.ts'
import { mismatch } from '../../../connector/checkpoint/valid-state.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { documentWith, identity } from './documents.ts'

const document = documentWith({})
const at = (destination: Partial<StreamIdentity['destination']>): StreamIdentity => ({
  ...identity,
  destination: { ...identity.destination, ...destination },
})

describe('a document', () => {
  test('is used when stream, source, cluster and topic are the same', () =>
    expect(mismatch(document, identity)).toBeUndefined())

  test.each<[string, ErrorCode, StreamIdentity]>([
    ['connector', 'checkpoint.other-stream', { ...identity, connector: 'other' }],
    ['stream', 'checkpoint.other-stream', { ...identity, stream: 'other' }],
    ['codeMagasin', 'checkpoint.other-stream', { ...identity, source: { ...identity.source, codeMagasin: 2 } }],
    ['prefixCle', 'checkpoint.other-stream', { ...identity, source: { ...identity.source, prefixCle: 'P' } }],
    ['Kafka cluster', 'checkpoint.topic-lost', at({ clusterId: 'other' })],
    ['topic', 'checkpoint.topic-lost', at({ topic: 'other' })],
  ])('holds the stream when it belongs to another %s: %s', (what, code, other) => {
    const why = expect.stringMatching(new RegExp(`^the document belongs to ${what} .+, not to .+`))
    expect(mismatch(document, other)).toEqual({ kind: 'hold', code, why })
  })

  test('is used when the URL is new, the topic has more partitions, or the cluster has no id', () => {
    const moved = { ...identity, source: { ...identity.source, url: 'http://new.example/' } }
    for (const other of [moved, at({ partitions: 7 }), at({ clusterId: null })])
      expect(mismatch(document, other)).toBeUndefined()
    const nameless = { ...document, destination: { ...document.destination, clusterId: null } }
    expect(mismatch(nameless, identity)).toBeUndefined()
  })

  test.each<[string, StreamIdentity]>([
    ['another id', at({ topicId: 'other' })],
    ['fewer partitions', at({ partitions: 5 })],
  ])('holds the stream when the events topic has %s, because it was created again', (_what, other) => {
    const why = expect.stringContaining('the events published to it are lost')
    expect(mismatch(document, other)).toMatchObject({ code: 'checkpoint.topic-lost', why })
  })

  test('is used with a topic that was created again when it has no events', () => {
    const fresh = documentWith({ committed: { state: newStreamState } })
    expect(mismatch(fresh, at({ topicId: 'other' }))).toBeUndefined()
  })
})
