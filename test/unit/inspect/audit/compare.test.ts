import { describe, expect, test } from 'vitest'
import { clientTable } from '../../../../connector/index/client-table.ts'
import { type ContentKey, type IndexEntry, keyText, UNKNOWN_CONTENT } from '../../../../connector/index/index-entry.ts'
import type { AuditedIndex } from '../../../../connector/inspect/audit/audited-index.ts'
import type { Audited } from '../../../../connector/inspect/audit/client-kinds.ts'
import {
  type Comparison,
  compare,
  countedDifferences,
  MAX_KEYS,
  retentionOf,
} from '../../../../connector/inspect/audit/compare.ts'
import { type Relation, sourceEntry } from '../../../../connector/inspect/audit/source-clients.ts'
import { entry, key } from '../../index/entries.ts'

/** What each place has of one client; undefined: nothing. */
interface Client {
  readonly source?: IndexEntry
  readonly before?: IndexEntry
  readonly after?: IndexEntry
  readonly pending?: IndexEntry
  readonly topic?: IndexEntry
}

const [A, B] = [keyText(7, 1), keyText(7, 2)] as [ContentKey, ContentKey]
const rules = ['present', 'older']
const inSource = (content: ContentKey, toIndex: Relation = 'unknown', toTopic: Relation = 'unknown') =>
  sourceEntry(content, toIndex, toTopic)
/** Event 5 of ten. */
const published = (content: ContentKey, more: Partial<IndexEntry> = {}) => entry(5, { content, ...more })
const foreign = entry(0, { content: UNKNOWN_CONTENT, tag: 2 })
const tombstone = (number: number) => entry(number, { content: UNKNOWN_CONTENT, tag: 1 })

function tableOf(entries: readonly (IndexEntry | undefined)[]) {
  const table = clientTable()
  for (const [client, of] of entries.entries()) if (of !== undefined) table.set(key(client), of)
  return table
}

function compared(clients: readonly Client[], more: Partial<Audited> & { readonly contentsFrom?: number } = {}) {
  const { contentsFrom = 0, ...rest } = more
  const index = (entries: readonly (IndexEntry | undefined)[]): AuditedIndex => ({
    ...{ table: tableOf(entries), pending: tableOf(clients.map(({ pending }) => pending)), rules, contentsFrom },
  })
  const topic = tableOf(clients.map((client) => client.topic))
  return compare({
    source: { table: tableOf(clients.map(({ source }) => source)), readAt: 0 },
    topic: { table: topic, clients: topic.size(), rules: ['present', 'older', 'hashed'] },
    before: index(clients.map(({ before }) => before)),
    after: index(clients.map(({ before, after = before }) => after)),
    ...{ indexRules: 'present', events: { beforeTopic: 10, beforeSource: 10 } },
    ...rest,
  })
}

/** The kinds that were counted. */
function kindsOf({ differences, exceptions }: Pick<Comparison, 'differences' | 'exceptions'>): string[] {
  const counts = Object.entries({ ...differences, ...exceptions })
  return counts.flatMap(([kind, count]) => Array.from({ length: count }, () => kind))
}

const everywhere: Client = { source: inSource(A), before: published(A), topic: published(A) }

describe('a client agrees', () => {
  test.each<[string, Client]>([
    ['everywhere with the same content and number', everywhere],
    [
      'as the pending transaction says, which may be committed',
      {
        ...{ source: inSource(B), before: published(A), pending: entry(10, { content: B }) },
        topic: entry(10, { content: B }),
      },
    ],
    [
      'as before the pending transaction, which may be aborted',
      {
        ...{ source: inSource(A), before: published(A), pending: entry(10, { content: B }), topic: published(A) },
      },
    ],
    [
      'under the older rules of its entry and its event',
      {
        source: inSource(B, 'same', 'same'),
        ...{ before: published(A, { rules: 1 }), topic: published(A, { rules: 1 }) },
      },
    ],
    [
      'under the different rules of its entry and its event',
      {
        ...{ source: inSource(A, 'same', 'same'), before: published(A), topic: published(B, { rules: 2 }) },
      },
    ],
    [
      'in the source with its event, when the index has forgotten its content',
      {
        ...{ source: inSource(A, 'unknown', 'same'), before: published(UNKNOWN_CONTENT), topic: published(A) },
      },
    ],
  ])('%s', (_, client) => {
    expect(kindsOf(compared([client]))).toEqual([])
  })
})

describe('a client differs', () => {
  test.each<[string, Client, string[]]>([
    ['in the source only', { source: inSource(A) }, ['notPublished']],
    ['in the source and the topic only', { source: inSource(A), topic: published(A) }, ['notPublished', 'notInIndex']],
    ['with other content in the source', { ...everywhere, source: inSource(B) }, ['outdated']],
    ['with a foreign record as the last one', { ...everywhere, topic: foreign }, ['foreign']],
    ['with a foreign record only', { topic: foreign }, ['foreign']],
    [
      'erased, with a foreign record after the tombstone',
      { source: inSource(A), before: published(A, { mark: 'withdrawn' }), topic: foreign },
      ['notErased', 'erased'],
    ],
    [
      'with other content in the source, by the older rules of its entry',
      {
        source: inSource(A, 'other', 'other'),
        ...{ before: published(A, { rules: 1 }), topic: published(A, { rules: 1 }) },
      },
      ['outdated'],
    ],
    ['absent from the source', { before: published(A), topic: published(A) }, ['gone']],
    ['absent from the topic', { source: inSource(A), before: published(A) }, ['notInTopic']],
    ['with a tombstone in the topic', { ...everywhere, topic: tombstone(5) }, ['notInTopic']],
    ['with an older event in the topic', { ...everywhere, topic: entry(4, { content: A }) }, ['topicDiffers']],
    ['with other content in the topic', { ...everywhere, topic: published(B) }, ['topicDiffers']],
    [
      'with other content in the topic, by the rules of its event',
      {
        ...{ source: inSource(A, 'same', 'other'), before: published(A), topic: published(B, { rules: 2 }) },
      },
      ['topicDiffers'],
    ],
    ['in the topic only', { topic: published(A) }, ['notInIndex']],
    [
      'erased, but still in the topic',
      { before: published(A, { mark: 'withdrawn' }), topic: entry(4) },
      ['notErased', 'erased'],
    ],
    [
      'erased, but changed in the source since',
      {
        ...{ source: inSource(B), before: published(A, { mark: 'withdrawn' }), topic: tombstone(5) },
      },
      ['outdated', 'erased'],
    ],
    [
      'removed, but returned by the source again',
      {
        ...{ source: inSource(A), before: published(A, { mark: 'withdrawn-gone' }), topic: tombstone(5) },
      },
      ['notPublished', 'removed'],
    ],
  ])('%s', (_, client, kinds) => {
    expect(kindsOf(compared([client]))).toEqual(kinds)
  })
})

describe('it is no difference', () => {
  const later = entry(12, { content: B })
  test.each<[string, Client, string[]]>([
    [
      'that a client with a foreign record was published during the audit',
      { ...everywhere, topic: foreign, after: later },
      ['changedMeanwhile'],
    ],
    [
      'that a client was published during the audit',
      { ...everywhere, source: inSource(B), after: later },
      ['changedMeanwhile'],
    ],
    ['that a client was published for the first time', { source: inSource(B), after: later }, ['changedMeanwhile']],
    ['that a client was published after the source had been read', { after: later }, ['changedMeanwhile']],
    [
      'that a client changes in a pending transaction',
      {
        ...everywhere,
        ...{ source: inSource(keyText(7, 3) as ContentKey), pending: later },
      },
      ['changedMeanwhile'],
    ],
    [
      'that a client was published after the topic had been read',
      { source: inSource(B), before: later },
      ['changedMeanwhile'],
    ],
    ['that only the index knows a client', { before: published(A) }, ['onlyInIndex']],
    [
      'that only the index knows a client with a tombstone',
      { before: published(A), topic: tombstone(5) },
      ['onlyInIndex'],
    ],
    [
      'that a dead letter is in no topic of events',
      {
        source: inSource(A),
        before: published(A, { isDeadLetter: true }),
      },
      ['deadLetters'],
    ],
    ['that the source no longer has a dead letter', { before: published(A, { isDeadLetter: true }) }, ['deadLetters']],
    [
      'that an erased client is absent',
      { before: published(A, { mark: 'withdrawn' }), topic: tombstone(5) },
      ['erased'],
    ],
    [
      'that the source still has an erased client',
      {
        ...{ source: inSource(A), before: published(A, { mark: 'withdrawn' }) },
      },
      ['erased'],
    ],
    [
      'that the source has a client that was erased before it was published',
      {
        ...{ source: inSource(A), before: published(UNKNOWN_CONTENT, { mark: 'withdrawn' }), topic: tombstone(5) },
      },
      ['erased'],
    ],
    ['that a removed client is absent', { before: published(A, { mark: 'withdrawn-gone' }) }, ['removed']],
    [
      'that a client that the last full scan did not return is absent from the source',
      {
        ...{ before: published(A, { mark: 'missing' }), topic: published(A) },
      },
      ['missing'],
    ],
    [
      'that the content of an event is unknown',
      { ...everywhere, topic: published(UNKNOWN_CONTENT) },
      ['notComparable'],
    ],
    [
      'that an event was hashed with another key',
      {
        ...{ source: inSource(A, 'same', 'unknown'), before: published(A), topic: published(B, { rules: 2 }) },
      },
      ['notComparable'],
    ],
    ['that nobody else has a tombstone', { topic: tombstone(5) }, []],
  ])('%s', (_, client, kinds) => {
    expect(kindsOf(compared([client]))).toEqual(kinds)
  })

  test('that the topic has an event of a client that was erased while the topic was read', () => {
    const withTombstone = (number: number) => ({
      ...everywhere,
      before: entry(number, { content: A, mark: 'withdrawn' }),
    })
    expect(kindsOf(compared([withTombstone(10)]))).toEqual(['changedMeanwhile', 'erased'])
    expect(kindsOf(compared([withTombstone(9)]))).toEqual(['notErased', 'erased'])
  })

  test('that the contents before a republication are forgotten', () => {
    const client = { ...everywhere, source: inSource(B, 'other', 'same') }
    expect(kindsOf(compared([client], { contentsFrom: 8 }))).toEqual([])
    expect(kindsOf(compared([client]))).toEqual(['outdated'])
  })
})

test('counts the clients of each place, and names the first clients of each kind', () => {
  const clients = Array.from({ length: MAX_KEYS + 2 }, (): Client => ({ source: inSource(A) }))
  const { keys, ...counted } = compared([everywhere, { before: published(A), topic: published(A) }, ...clients])
  expect(counted.clients).toEqual({ source: MAX_KEYS + 3, index: 2, topic: 2 })
  expect(counted.differences).toMatchObject({ notPublished: MAX_KEYS + 2, gone: 1 })
  expect(keys.get('gone')).toEqual([key(1)])
  expect(keys.get('notPublished')).toHaveLength(MAX_KEYS)
})

const unlimited = { 'retention.ms': '-1', 'retention.bytes': '-1' }

test.each([
  ['kept', { 'cleanup.policy': 'compact', 'retention.ms': '604800000', 'retention.bytes': '-1' }, false],
  ['expires', { 'cleanup.policy': 'delete', 'retention.ms': '604800000', 'retention.bytes': '-1' }, false],
  ['expires', { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '1000' }, false],
  ['expires', { 'cleanup.policy': 'compact,delete', 'retention.ms': '604800000', 'retention.bytes': '-1' }, false],
  ['kept', { 'cleanup.policy': 'delete', ...unlimited }, false],
  ['unknown', undefined, false],
  ['shared', { 'cleanup.policy': 'compact' }, true],
] as const)('the retention of a topic is %s with %j (shared: %j)', (retention, settings, isShared) => {
  expect(retentionOf(settings && new Map(Object.entries(settings)), isShared)).toBe(retention)
})

const differences = {
  ...{ notPublished: 1, outdated: 2, gone: 3 },
  ...{ notInTopic: 4, topicDiffers: 5, notInIndex: 6, notErased: 7, foreign: 8 },
}

test.each([
  ['kept', 36],
  ['unknown', 36],
  ['expires', 32],
  ['shared', 32],
] as const)('counts missing events as differences only if the topic must keep them: %s', (retention, counted) => {
  expect(countedDifferences({ differences }, retention)).toBe(counted)
})
