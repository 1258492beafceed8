import fc from 'fast-check'
import type { StreamState } from '../../../connector/checkpoint/checkpoint-document.ts'
import {
  type CheckpointDocument,
  type Committed,
  FORMAT,
  type Pending,
  parseDocument,
} from '../../../connector/checkpoint/checkpoint-document.ts'
import { beginning } from '../../../connector/checkpoint/transitions.ts'
import { deltaText, type IndexState } from '../../../connector/index/index-state.ts'
import { historyStates, lanes, type Scan, type ScanStates } from '../../../connector/scan/scan-state.ts'
import type { CheckPoint, SourceTime } from '../../../connector/source/client-source.ts'
import { entry, key, words } from '../index/entries.ts'

/** Test documents. */

const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
export const now = Date.parse('2026-06-15T10:00:00Z')

export const identity = {
  connector: 'shop',
  stream: 'clients',
  source: { url: 'http://polaris.example/core/api/', codeMagasin: 1, prefixCle: null },
  destination: { clusterId: 'cluster', topic: 'client.modified', topicId: 'topic 1', partitions: 6 },
}

/** The entries of a change: the content of each client is known by the number of its event. */
export const entriesOf = (...clients: readonly (readonly [client: number, number: number])[]) =>
  deltaText(words(clients.map(([client, number]) => [key(client), entry(number)])))

export const state: StreamState = { ...beginning, events: 2 }
/** The same with its two clients in the index. */
export const indexed: StreamState = { ...state, index: { ...state.index, delta: entriesOf([1, 0], [2, 1]) } }

/** Two more events, of the clients 3 and 4. */
export const change: Pending['change'] = {
  ...{ scans: state.scans, events: 4, mapping: null },
  entries: entriesOf([3, 2], [4, 3]),
}

/** A document at epoch 4 whose committed state (number 10) was decided by a commit record an hour ago. */
export function documentWith(parts: {
  committed?: Partial<Committed>
  pending?: Partial<Pending> | null
}): CheckpointDocument {
  const at = now - HOUR_MS
  const committed: Committed = { epoch: 4, seq: 10, nonce: 'c', at, hasRecord: true, state, ...parts.committed }
  const pending: Pending | null =
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
    rewound: null,
    claim,
    committed,
    pending,
  }
}

/** The document as read back from the store. */
export const reloaded = (document: CheckpointDocument) => parseDocument(JSON.stringify(document))

const minutes = fc.nat(59).map((minute) => `2026-06-15T10:${String(minute).padStart(2, '0')}:00` as SourceTime)
const checkPoint = fc.option(fc.string({ unit: 'binary' }).map((text) => text as CheckPoint))
const time = fc.nat(2 ** 41)
const scan: fc.Arbitrary<Scan> = fc.record({
  lane: fc.constantFrom(...lanes),
  reachMs: fc.option(fc.nat()),
  number: fc.nat(),
  from: minutes,
  lastChanged: minutes,
  checkPoint,
  limit: fc.nat(5000),
  output: fc.constantFrom('xml' as const, 'json' as const),
  startedAt: fc.option(time),
  times: fc.option(fc.record({ distinct: fc.nat(100), last: fc.option(minutes) })),
  seen: fc.option(fc.record({ token: fc.string(), clients: fc.option(fc.string()), power: fc.nat(), steps: fc.nat() })),
  emptyPages: fc.nat(),
  isEndAsked: fc.boolean(),
  pages: fc.nat(),
  clients: fc.nat(),
})
const scans: fc.Arbitrary<ScanStates> = fc.record({
  createdAt: fc.option(time),
  begun: fc.nat(),
  live: fc.record({ startedAt: fc.option(time), scan: fc.option(scan) }),
  background: fc.array(scan, { maxLength: 3 }),
  lookBacks: fc.array(fc.record({ reachMs: fc.nat(), startedAt: time }), { maxLength: 3 }),
  history: fc.record({
    state: fc.constantFrom(...historyStates),
    from: fc.option(minutes),
    republished: fc.option(fc.uuid()),
    startedAt: fc.option(time),
  }),
})
const entries = fc.array(fc.tuple(fc.nat(20), fc.nat(1000)), { maxLength: 4 }).map((all) => entriesOf(...all))
const segment = fc.record({
  name: fc.string(),
  tier: fc.oneof(fc.nat(), fc.constant('base' as const)),
  from: fc.nat(),
  to: fc.nat(),
  entries: fc.nat(),
  sha256: fc.string(),
})
const index: fc.Arbitrary<IndexState> = fc.record({
  generation: fc.nat(),
  segments: fc.array(segment, { maxLength: 3 }),
  delta: entries,
})
const pageMapping = fc.option(
  fc.record({
    path: fc.option(fc.array(fc.string(), { maxLength: 3 })),
    clientId: fc.string(),
    modifiedAt: fc.option(fc.string()),
  }),
)
const mapping = fc.option(
  fc.record({
    xml: pageMapping,
    json: pageMapping,
    lists: fc.array(fc.string(), { maxLength: 2 }),
  }),
)
const reached = { scans, events: fc.nat(), mapping }
export const anyState: fc.Arbitrary<StreamState> = fc.record({ ...reached, index })
export const anyChange: fc.Arbitrary<Pending['change']> = fc.record({ ...reached, entries })
const decision = { epoch: fc.nat(), seq: fc.nat(), nonce: fc.string(), at: fc.nat(2 ** 41) }
export const anyDocument: fc.Arbitrary<CheckpointDocument> = fc.record({
  format: fc.constant(FORMAT as typeof FORMAT),
  nonce: fc.string(),
  connector: fc.string(),
  stream: fc.string(),
  source: fc.record({ url: fc.string(), codeMagasin: fc.integer(), prefixCle: fc.option(fc.string()) }),
  destination: fc.record({
    clusterId: fc.option(fc.string()),
    topic: fc.string(),
    topicId: fc.string(),
    partitions: fc.nat(),
  }),
  producerId: fc.option(fc.string()),
  rewound: fc.option(fc.string()),
  claim: fc.record({ epoch: fc.nat(), owner: fc.option(fc.string()), at: fc.nat(2 ** 41) }),
  committed: fc.record({
    ...decision,
    hasRecord: fc.boolean(),
    state: anyState,
  }),
  pending: fc.option(
    fc.record({
      ...decision,
      change: anyChange,
    }),
  ),
})
