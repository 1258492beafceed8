import {
  type ClientKey,
  type IndexEntry,
  isWithdrawnOnRequest,
  UNKNOWN_CONTENT,
  withdrawalOf,
} from '../../index/index-entry.ts'
import { type AuditedIndex, entriesOf, isContentUnknown } from './audited-index.ts'
import { type Relation, relationToIndex, relationToTopic, type SourceClients } from './source-clients.ts'
import { isForeign, isTombstone, type TopicClients } from './topic-clients.ts'

/** How a client may differ. */
export const differenceTexts = {
  notPublished: 'in the source, but not published',
  outdated: 'other content in the source than published',
  gone: 'published, but not returned by the source',
  notInTopic: 'published by the index, but not in the topic',
  topicDiffers: 'other event in the topic than in the index',
  notInIndex: 'in the topic, but not in the index',
  notErased: 'erased or removed, but still in the topic',
  foreign: 'last record in the topic is no event of the stream',
} as const
export type DifferenceKind = keyof typeof differenceTexts
export const differenceKinds = Object.keys(differenceTexts) as readonly DifferenceKind[]

/** What is no difference: a client that cannot be compared, or that is absent somewhere for a known reason. */
export const exceptionTexts = {
  changedMeanwhile: 'changed during the audit',
  notComparable: 'content not comparable: another HMAC key or schema',
  onlyInIndex: 'neither in the source nor in the topic, only in the index',
  deadLetters: 'dead letters',
  erased: 'erased from the topic',
  removed: 'removed from the topic',
  missing: 'known to be missing from the source',
} as const
export type ExceptionKind = keyof typeof exceptionTexts
export const exceptionKinds = Object.keys(exceptionTexts) as readonly ExceptionKind[]

/** The kinds whose clients can be named. */
export type NamedKind = DifferenceKind | 'missing'
export const namedKinds: readonly NamedKind[] = [...differenceKinds, 'missing']

/** What was read, in this order: the topic, the index, the source, the index. */
export interface Audited {
  readonly topic: TopicClients
  readonly before: AuditedIndex
  readonly source: SourceClients
  readonly after: AuditedIndex
  /** The present rules of the index: see `contentRules`. */
  readonly indexRules: string
  /** The stream's events before the topic was read, and before the source was: what was published since has changed. */
  readonly events: { readonly beforeTopic: number; readonly beforeSource: number }
}

export type Kind = DifferenceKind | ExceptionKind

/** What is known of the client apart from the comparison. */
export function markKind(entry: IndexEntry | undefined): Kind | undefined {
  if (entry?.isDeadLetter === true) return 'deadLetters'
  if (entry === undefined || withdrawalOf(entry) === 'no') return undefined
  return isWithdrawnOnRequest(entry) ? 'erased' : 'removed'
}

/** The source against the index as it was afterwards. */
export function sourceKind(audited: Audited, key: ClientKey): Kind | undefined {
  const { source, after, events } = audited
  const inSource = source.table.get(key)
  const entries = entriesOf(after, key)
  const [newest] = entries
  const isMoving = after.pending.get(key) !== undefined || (newest?.number ?? 0) >= events.beforeSource
  if (inSource === undefined) {
    if (newest === undefined) return undefined
    const kind = absentKind(audited, key, newest)
    return kind !== undefined && isMoving ? 'changedMeanwhile' : kind
  }
  if (newest === undefined) return 'notPublished'
  const found = entries.map((entry) => sourceRelation(audited, { key, inSource }, entry))
  const isAwaited = withdrawalOf(newest) === 'until returned'
  if (found.includes('same') && !isAwaited) return undefined
  if (isMoving) return 'changedMeanwhile'
  if (isAwaited) return 'notPublished'
  return found.includes('unknown') ? 'notComparable' : 'outdated'
}

/** A client that the index has and the source does not return. */
function absentKind({ topic }: Audited, key: ClientKey, entry: IndexEntry): Kind | undefined {
  if (entry.isDeadLetter || isAbsent(entry)) return undefined
  if (entry.mark === 'missing' || entry.mark === 'gone') return 'missing'
  const inTopic = topic.table.get(key)
  return inTopic === undefined || isTombstone(inTopic) ? 'onlyInIndex' : 'gone'
}

function sourceRelation(
  { after, before, indexRules }: Audited,
  { key, inSource }: { key: ClientKey; inSource: IndexEntry },
  entry: IndexEntry,
): Relation {
  // The next content that the stream reads counts as the one that was erased.
  if (entry.mark === 'withdrawn' && entry.content === UNKNOWN_CONTENT) return 'same'
  if (isContentUnknown(after, entry)) return relationToTopic(inSource)
  const rules = after.rules[entry.rules]
  if (rules === indexRules) return inSource.content === entry.content ? 'same' : 'other'
  const earlier = before.table.get(key)
  const isUnchanged =
    earlier?.number === entry.number && earlier.content === entry.content && before.rules[earlier.rules] === rules
  return isUnchanged ? relationToIndex(inSource) : 'unknown'
}

/** The topic against the index as it was afterwards. A later event of a client was not looked up in the topic. */
export function topicKind(audited: Audited, key: ClientKey): Kind | undefined {
  const { topic, source, before, after, events } = audited
  const inTopic = topic.table.get(key)
  const event = inTopic === undefined || isTombstone(inTopic) ? undefined : inTopic
  const isOther = event !== undefined && isForeign(event)
  const entries = entriesOf(before, key)
  const [newest] = entries
  if (entriesOf(after, key)[0]?.number !== newest?.number) return 'changedMeanwhile'
  if (newest === undefined) return event && (isOther ? 'foreign' : 'notInIndex')
  const found = isOther ? [] : entries.map((entry) => topicRelation(audited, { key, event }, entry))
  if (found.includes('same')) return undefined
  if (found.includes('unknown')) return 'notComparable'
  if (before.pending.get(key) !== undefined || newest.number >= events.beforeTopic) return 'changedMeanwhile'
  if (isAbsent(newest)) return 'notErased'
  if (isOther) return 'foreign'
  if (event !== undefined) return 'topicDiffers'
  return source.table.get(key) === undefined ? undefined : 'notInTopic'
}

/** Whether the index says that the topic has no event of the client. */
const isAbsent = (entry: IndexEntry) => withdrawalOf(entry) !== 'no'

function topicRelation(
  audited: Audited,
  { key, event }: { key: ClientKey; event: IndexEntry | undefined },
  entry: IndexEntry,
): Relation {
  if (entry.isDeadLetter) return 'same'
  if (isAbsent(entry)) return event === undefined ? 'same' : 'other'
  if (event === undefined) return 'other'
  return event.number === entry.number ? publishedRelation(audited, { key, event }, entry) : 'other'
}

/** Contents under different rules are compared through the client in the source. */
function publishedRelation(
  { topic, before, source }: Audited,
  { key, event }: { key: ClientKey; event: IndexEntry },
  entry: IndexEntry,
): Relation {
  if (event.content === UNKNOWN_CONTENT) return 'unknown'
  if (!isContentUnknown(before, entry) && topic.rules[event.rules] === before.rules[entry.rules])
    return event.content === entry.content ? 'same' : 'other'
  const inSource = source.table.get(key)
  if (inSource === undefined) return 'unknown'
  const toTopic = relationToTopic(inSource)
  return toTopic === 'other' && relationToIndex(inSource) !== 'same' ? 'unknown' : toTopic
}
