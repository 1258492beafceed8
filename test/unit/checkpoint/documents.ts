import type { CommittedState } from '../../../connector/checkpoint/checkpoint-document.ts'
import {
  type CheckpointDocument,
  type CommittedPart,
  FORMAT,
  newStreamState,
  type PendingPart,
  parseDocument,
} from '../../../connector/checkpoint/checkpoint-document.ts'
import { deltaOf } from '../../../connector/index/index-state.ts'
import { entry, key, words } from '../index/entries.ts'

/** Test documents. */

const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
export const now = Date.parse('2026-06-15T10:00:00Z')

export const identity = {
  connector: 'shop',
  stream: 'clients',
  source: { url: 'http://polaris.example/core/api/', codeMagasin: 1, prefixCle: null },
  destination: {
    clusterId: 'cluster',
    topic: 'client.modified',
    topicId: 'topic 1',
    partitions: 6,
    firstPartitions: 6,
  },
}

/** The entries of a change: the content of each client is known by the number of its event. */
export const entriesOf = (...clients: readonly (readonly [client: number, number: number])[]) =>
  deltaOf(words(clients.map(([client, number]) => [key(client), entry(number)])))

export const state: CommittedState = { ...newStreamState, nextEvent: 2 }
/** The same with its two clients in the index. */
export const indexed: CommittedState = { ...state, index: { ...state.index, delta: entriesOf([1, 0], [2, 1]) } }

/** Two more events, of the clients 3 and 4. */
export const change: PendingPart['change'] = {
  scans: state.scans,
  nextEvent: 4,
  mapping: null,
  entries: entriesOf([3, 2], [4, 3]),
}

/** A document at epoch 4 whose committed state (number 10) was decided by a commit record an hour ago. */
export function documentWith(parts: {
  committed?: Partial<CommittedPart>
  pending?: Partial<PendingPart> | null
}): CheckpointDocument {
  const at = now - HOUR_MS
  const committed: CommittedPart = { epoch: 4, seq: 10, nonce: 'c', at, expectsRecord: true, state, ...parts.committed }
  const pending: PendingPart | null =
    parts.pending === undefined || parts.pending === null
      ? null
      : {
          epoch: committed.epoch,
          seq: committed.seq + 1,
          nonce: 'p',
          at,
          change,
          ...parts.pending,
        }
  const claim = { epoch: 4, owner: 'replica-1', at }
  return {
    format: FORMAT,
    nonce: 'w',
    ...identity,
    producerId: null,
    appliedRewind: null,
    claim,
    committed,
    pending,
  }
}

/** The document as read back from the store. */
export const reloaded = (document: CheckpointDocument) => parseDocument(JSON.stringify(document))
