import type { CheckpointDocument } from '../../checkpoint/checkpoint-document.ts'
import { committedByRecord } from '../../checkpoint/transitions.ts'
import { indexRulesWithLists } from '../../event/configured-events.ts'
import { listsInForce } from '../../event/list-shapes.ts'
import type { ClientKey } from '../../index/index-entry.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ScanStates } from '../../scan/scan-state.ts'
import type { OpenParts } from '../../stream/open/open-parts.ts'
import { contentRules, type ReadIndex, readDocument, readIndex } from './audited-index.ts'
import type { Audited, NamedKind } from './client-kinds.ts'
import { type Comparison, compare } from './compare.ts'
import { readSourceClients, type SourceParts, serialServer } from './source-clients.ts'
import { readTopicClients } from './topic-clients.ts'

export interface AuditParts {
  /** Nothing is opened with them. */
  readonly open: OpenParts
  readonly source: SourceParts
  /** How long a replica may take to save a live scan without changes. */
  readonly savePeriodMs: number
  /** Whether an operator has paused the stream. */
  readonly isPaused: boolean
  /** See `TopicReading`. */
  readonly otherSources: readonly string[]
}

export type AuditProgress =
  | { readonly step: 'topic'; readonly share: number; readonly events: number }
  | { readonly step: 'source'; readonly clients: number; readonly pages: number; readonly inIndex: number }
  /** For the running replica: it may publish what differs. */
  | { readonly step: 'waiting' }

export interface AuditOptions {
  /** Whether to find out the ids of the clients that differ or are missing. */
  readonly wanted: 'counts' | 'ids'
  readonly onProgress: (progress: AuditProgress) => void
}

export interface AuditResult extends Comparison {
  /** Whether a live scan that began after the source was read is known to be published. */
  readonly isCaughtUp: boolean
  /** Of the first clients of each kind. */
  readonly ids: ReadonlyMap<NamedKind, readonly string[]> | undefined
}

/**
 * Reads the topic, the client index and the source, and compares them. Reads only; a replica may run the stream
 * meanwhile. Rejects with `source.*`, `publish.*`, `storage.*`, `checkpoint.*` or the reason of `stop`.
 */
export async function auditStream(
  parts: AuditParts,
  { wanted, onProgress }: AuditOptions,
  stop: AbortSignal,
): Promise<AuditResult> {
  const { open, isPaused, otherSources } = parts
  const ids = new Map<ClientKey, string>()
  const onClient = (key: ClientKey, id: string) => void (wanted === 'ids' && ids.set(key, id))
  const first = await readDocument(open, stop)
  const scans = auditableScans(first, parts)
  const lists = committedByRecord(first).state.mapping?.lists ?? []
  const indexRules = contentRules(indexRulesWithLists(open.indexRules, lists))
  const { rules } = parts.source
  const topic = await readTopicClients(
    open,
    { indexRules, otherSources, onClient, onProgress: (progress) => onProgress({ step: 'topic', ...progress }) },
    stop,
  )
  const before = await readIndex(open, stop)
  const inIndex = before.index.table.size()
  const { mapping, events } = before.document.committed.state
  const source = await readSourceClients(
    { ...parts.source, rules: { ...rules, lists: listsInForce(rules.lists ?? [], lists) } },
    {
      indexRules,
      mapping,
      scans,
      isAlone: isPaused,
      index: before.index,
      topic,
      onClient,
      onProgress: (progress) => onProgress({ step: 'source', ...progress, inIndex }),
    },
    stop,
  )
  const read = {
    topic,
    before: before.index,
    source,
    indexRules,
    events: { beforeTopic: first.committed.state.events, beforeSource: events },
  }
  const compared = await compareWithReplica(parts, { read, onWait: () => onProgress({ step: 'waiting' }) }, stop)
  return { ...compared, ids: wanted === 'ids' ? named(compared.keys, ids) : undefined }
}

/** Assumes that a pending transaction was committed, which is likely. Throws `command.invalid`. */
function auditableScans(document: CheckpointDocument, { isPaused }: Pick<AuditParts, 'isPaused'>): ScanStates {
  const { scans } = committedByRecord(document).state
  if (scans.backfill === 'due')
    throw new ConnectorError(
      'command.invalid',
      'audit: the backfill is not done yet; `checkpoint show` says when it is',
    )
  if (scans.interleaving === 'serial' && !isPaused) throw serialServer()
  return scans
}

function named(keys: Comparison['keys'], ids: ReadonlyMap<ClientKey, string>) {
  return new Map([...keys].map(([kind, of]) => [kind, of.flatMap((key) => ids.get(key) ?? [])]))
}

const INTERVALS = 3

/** Compares again after each save of the replica, until it has published what the source returned, or has had time to. */
async function compareWithReplica(
  { open, source, savePeriodMs, isPaused }: AuditParts,
  { read, onWait }: { readonly read: Omit<Audited, 'after'>; readonly onWait: () => void },
  stop: AbortSignal,
): Promise<Comparison & Pick<AuditResult, 'isCaughtUp'>> {
  const { intervalMs, maxIntervalMs } = source.reader.settings
  const giveUpAt = open.clock.monotonic() + (isPaused ? 0 : savePeriodMs + INTERVALS * maxIntervalMs)
  let { document, index } = await readIndex(open, stop)
  for (;;) {
    const comparison = compare({ ...read, after: index })
    const { notPublished, outdated } = comparison.differences
    const isCaughtUp = hasReadSince(document, read.source.readAt)
    if (notPublished + outdated === 0 || isCaughtUp) return { ...comparison, isCaughtUp }
    onWait()
    const next = await nextIndex(open, { nonce: document.nonce, giveUpAt, periodMs: intervalMs }, stop)
    if (next === undefined) return { ...comparison, isCaughtUp }
    ;({ document, index } = next)
  }
}

/** Limit of the difference of two readings of the server's clock, which shows whole seconds. */
const CLOCK_MARGIN_MS = 2_000

/** Whether a live scan that began after this time is complete. */
function hasReadSince({ committed }: ReadIndex['document'], readAt: number): boolean {
  const { startedAt } = committed.state.scans.live
  return startedAt !== null && startedAt > readAt + CLOCK_MARGIN_MS
}

interface NextIndex {
  readonly nonce: string
  readonly giveUpAt: number
  readonly periodMs: number
}

const MIN_PERIOD_MS = 1_000
const MAX_PERIOD_MS = 5_000

/** Waits until the checkpoint is replaced; undefined: it is not in time. */
async function nextIndex(
  open: OpenParts,
  { nonce, giveUpAt, periodMs }: NextIndex,
  stop: AbortSignal,
): Promise<ReadIndex | undefined> {
  const { clock } = open
  while (clock.monotonic() < giveUpAt) {
    await clock.sleep(Math.min(MAX_PERIOD_MS, Math.max(MIN_PERIOD_MS, periodMs)), stop)
    if ((await readDocument(open, stop)).nonce !== nonce) return await readIndex(open, stop)
  }
  return undefined
}
