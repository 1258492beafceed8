import type { Erasure } from '../../../control/stream-requests.ts'
import { tombstone } from '../../../event/cloud-event/tombstone.ts'
import {
  type ClientKey,
  clientKey,
  type IndexEntry,
  isWithdrawn,
  UNKNOWN_CONTENT,
  withdrawnEntry,
} from '../../../index/index-entry.ts'
import { ConnectorError, codeOf } from '../../../runtime/connector-error.ts'
import { LIVE } from '../../../scan/scan-state.ts'
import { type Adding, addEvents, knownEntry } from '../../group/open-group.ts'
import type { PipelineEvent } from '../../pipeline-event.ts'
import { type Feature, type FinishedPart, hasEnded, type OpenedStream, type Part } from '../part.ts'
import { addMarked, type ErasureMarks } from './erasure-marks.ts'
import { type ErasureParts, postponeErasure, requestedErasures } from './requested-erasures.ts'

/** Deletes a client from the topic, on request of an operator. */
export function erase(marks: ErasureMarks): Feature {
  const retryAt = new Map<string, number>()
  return {
    name: 'erase',
    kept: async (stop) => {
      const stored = await marks.read(stop)
      return (index) => addMarked(stored, index)
    },
    open: (stream) => erasePart({ marks, retryAt }, stream),
  }
}

interface ErasedClient {
  readonly request: Erasure
  readonly outcome: 'erased' | 'never-published'
}

function erasePart(kept: Pick<ErasureParts, 'marks' | 'retryAt'>, stream: OpenedStream): Part {
  const { group } = stream
  const isOver = hasEnded(stream)
  /** Of each client that was erased since the stream was opened: the number of its tombstone, and its entry before that. */
  const withdrawals = new Map<ClientKey, { readonly number: number; readonly before: IndexEntry }>()
  let erased: ErasedClient[] = []
  /** Erased clients that are published again, because they have changed. */
  let changedSince: ClientKey[] = []

  /** Adds nothing for a request that was cancelled meanwhile. The group has nothing else: Kafka may reject it. */
  function* addTombstone(request: Erasure, at: number): Adding {
    if (group.added.pages > 0 || group.entries.size > 0) yield 'part'
    if (isOver(request.id)) return 'alone'
    const key = clientKey(request.client)
    const known = knownEntry(group, key)
    withdrawals.set(key, { number: group.events, before: known ?? unknownEntry(group.index.rules) })
    addErasure(stream, { request, key, known, at })
    const outcome = known === undefined ? 'never-published' : 'erased'
    group.carriedOut = [...group.carriedOut, { id: request.id, outcome }]
    erased.push({ request, outcome })
    return 'alone'
  }
  const parts = { ...stream, ...kept, erase: addTombstone }
  return {
    name: 'erase',
    readings: (stop) => requestedErasures(parts, stop),
    // The page may show the client as it was before.
    beforeWithdrawal: (key, { askedAt }) => {
      const withdrawal = withdrawals.get(key)
      return withdrawal !== undefined && askedAt <= withdrawal.number ? withdrawal.before : undefined
    },
    published: ({ key, known }) => {
      if (known !== undefined && isWithdrawn(known)) changedSince.push(key)
    },
    finish: () => {
      const added = { erased, changedSince, entries: erasedEntries(group.entries) }
      erased = []
      changedSince = []
      const isNothing = added.erased.length + added.changedSince.length + added.entries.length === 0
      return isNothing ? undefined : finished(parts, added)
    },
  }
}

/** Of a client that the index does not know. */
function unknownEntry(rules: number): IndexEntry {
  return { content: UNKNOWN_CONTENT, tag: LIVE, rules, number: 0, isDeadLetter: false, mark: 'none' }
}

interface Erased {
  readonly request: Erasure
  readonly key: ClientKey
  readonly known: IndexEntry | undefined
  /** By our clock. */
  readonly at: number
}

/** The content in the source is no change from now on. */
function addErasure({ group, eventSource: source }: OpenedStream, { request, key, known, at }: Erased): void {
  const { index, events: sequence } = group
  const { client: clientId } = request
  const previous = known === undefined ? `g${index.generation}` : String(known.number)
  const record = tombstone({ type: 'client.erased', source, clientId, previous, sequence, timeMs: at })
  const entry = known === undefined ? withdrawnEntry(unknownEntry(index.rules)) : withdrawnEntry(known, sequence)
  addEvents(group, [record], { key, entry })
}

type Entries = readonly (readonly [ClientKey, IndexEntry])[]
const erasedEntries = (entries: Iterable<Entries[number]>): Entries =>
  [...entries].filter(([, entry]) => isWithdrawn(entry))

const REFUSED_RETRY_MS = 3_600_000

interface Added {
  readonly erased: readonly ErasedClient[]
  readonly changedSince: readonly ClientKey[]
  /** The entries of erased clients that the group adds or changes. */
  readonly entries: Entries
}

function finished(parts: ErasureParts, { erased, changedSince, entries }: Added): FinishedPart {
  const { marks, checkpoint } = parts
  return {
    events: erased.map(erasedEvent),
    // Until then, the marks of open erasures stand for the entries, and those that stay are without effect.
    delivered: async (finish) => {
      const { rules } = checkpoint.state().index
      const add = entries.map(([key, entry]) => ({ key, entry, rules: rules[entry.rules] ?? '' }))
      await marks.update({ add, remove: changedSince, ended: erased.map(({ request }) => request.id) }, finish)
    },
    // If brokers reject the tombstone, the erasure waits, and the stream is opened again.
    rejected: (error) => {
      if (erased.length === 0 || codeOf(error) !== 'publish.refused') return error
      for (const { request } of erased) postponeErasure(parts, request.id, { error, byMs: REFUSED_RETRY_MS })
      const message = 'publish a requested erasure: Kafka rejects the tombstone'
      return new ConnectorError('publish.failed', message, { cause: error })
    },
  }
}

function erasedEvent({ request, outcome }: ErasedClient): PipelineEvent {
  const { id, reason, requestedAt, requestedBy } = request
  return { kind: 'client-erased', request: id, reason, requestedAt, requestedBy, outcome }
}
