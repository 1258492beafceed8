import fc from 'fast-check'
import {
  type CheckpointDocument,
  type Committed,
  type Pending,
  parseDocument,
} from '../../../connector/checkpoint/checkpoint-document.ts'
import { beginning, type StreamState } from '../../../connector/checkpoint/stream-state.ts'
import type { CheckPoint, SourceTime } from '../../../connector/source/client-source.ts'

/** Documents to test with. */

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
export const now = Date.parse('2026-06-15T10:00:00Z')

export const identity = {
  connector: 'shop',
  stream: 'clients',
  source: { url: 'http://polaris.example/core/api/', codeMagasin: 1, prefixCle: null },
  destination: { clusterId: 'cluster', topic: 'client.modified', partitions: 6 },
}

export const state: StreamState = {
  ...beginning({
    lastChanged: '2026-06-15T11:00:00' as SourceTime,
    checkPoint: null,
    limit: 100,
    output: 'json',
  }),
  events: 2,
}

export const change: Pending['change'] = { resume: state.resume, events: 4, mapping: null, windowSteps: [] }

/** A document at epoch 4 whose committed state 10 came about by a note, an hour ago. */
export function documentWith(parts: {
  committed?: Partial<Committed>
  pending?: Partial<Pending> | null
}): CheckpointDocument {
  const at = now - HOUR_MS
  const committed: Committed = { epoch: 4, seq: 10, nonce: 'c', at, by: 'note', state, ...parts.committed }
  const pending: Pending | null =
    parts.pending === undefined || parts.pending === null
      ? null
      : { epoch: committed.epoch, seq: committed.seq + 1, nonce: 'p', at, change, ...parts.pending }
  return { format: 1, nonce: 'w', ...identity, claim: { epoch: 4, owner: 'replica-1', at }, committed, pending }
}

/** As it comes back from the store. */
export const reloaded = (document: CheckpointDocument) => parseDocument(JSON.stringify(document))

const minutes = fc.nat(59).map((minute) => `2026-06-15T10:${String(minute).padStart(2, '0')}:00` as SourceTime)
const slice = fc.record({
  until: minutes,
  entries: fc.array(fc.stringMatching(/^[\w-]{22}$/), { minLength: 1, maxLength: 3 }).map((all) => all.join('')),
})
const resume = fc.record({
  lastChanged: minutes,
  checkPoint: fc.option(fc.string({ unit: 'binary' }).map((text) => text as CheckPoint)),
  limit: fc.nat(5000),
  output: fc.constantFrom('xml' as const, 'json' as const),
  drain: fc.constantFrom('open' as const, 'due' as const),
  startedAt: fc.option(fc.nat(2 ** 41)),
  lastModifiedAt: fc.option(minutes),
})
const mapping = fc.option(fc.record({ clientId: fc.string(), modifiedAt: fc.option(fc.string()) }))
export const anyState: fc.Arbitrary<StreamState> = fc.record({
  resume,
  events: fc.nat(),
  mapping,
  window: fc.record({ frozen: fc.array(slice, { maxLength: 3 }), seen: fc.array(slice, { maxLength: 3 }) }),
})
const step = fc.oneof(
  fc.record({ kind: fc.constant('seen' as const), slice }),
  fc.record({ kind: fc.constant('freeze' as const), keepFrom: minutes }),
)
export const anyChange = fc.record({
  resume,
  events: fc.nat(),
  mapping,
  windowSteps: fc.array(step, { maxLength: 4 }),
})
const decision = { epoch: fc.nat(), seq: fc.nat(), nonce: fc.string(), at: fc.nat(2 ** 41) }
export const anyDocument: fc.Arbitrary<CheckpointDocument> = fc.record({
  format: fc.constant(1 as const),
  nonce: fc.string(),
  connector: fc.string(),
  stream: fc.string(),
  source: fc.record({ url: fc.string(), codeMagasin: fc.integer(), prefixCle: fc.option(fc.string()) }),
  destination: fc.record({ clusterId: fc.string(), topic: fc.string(), partitions: fc.nat() }),
  claim: fc.record({ epoch: fc.nat(), owner: fc.string(), at: fc.nat(2 ** 41) }),
  committed: fc.record({
    ...decision,
    by: fc.constantFrom('beginning' as const, 'note' as const, 'operator' as const, 'at-least-once' as const),
    state: anyState,
  }),
  pending: fc.option(fc.record({ ...decision, change: anyChange })),
})
