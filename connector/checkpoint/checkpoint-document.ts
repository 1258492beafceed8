import * as z from 'zod'
import { streamMapping } from '../event/page-mapping.ts'
import { deltaSchema, emptyIndex, indexSchema, withEntries } from '../index/index-state.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { parsedJson } from '../runtime/parsed-json.ts'
import { newScans, scanStates } from '../scan/scan-state.ts'

export const FORMAT = 18

const count = z.number().int().nonnegative()
const stateFields = {
  scans: scanStates,
  /** The number of the next event: its `sequence`. No count: numbers are passed over. */
  nextEvent: count,
  /** Null: no page has been processed. */
  mapping: streamMapping.nullable(),
}
const state = z.object({ ...stateFields, index: indexSchema })
/** `entries`: new ones of the client index. */
const change = z.object({ ...stateFields, entries: deltaSchema })
/** The epoch and number of a prepared or decided state, and its time (ms since 1970, by the writer's clock). */
const decision = z.object({ epoch: count, seq: count, nonce: z.string(), at: z.number() })

const documentSchema = z.object({
  format: z.literal(FORMAT),
  /** Unique for each write: distinguishes our own write, whose response was lost, from a write of another process. */
  nonce: z.string(),
  connector: z.string(),
  stream: z.string(),
  source: z.object({ url: z.string(), codeMagasin: z.number().int(), prefixCle: z.string().nullable() }),
  /** Kafka may report no cluster id: the protocol allows null. */
  destination: z.object({
    clusterId: z.string().nullable(),
    topic: z.string(),
    topicId: z.string(),
    partitions: count,
    /** When the stream began in this topic; null: unknown, as the topic had records. */
    firstPartitions: count.nullable(),
  }),
  /** Of the last transactional producer. A producer with another id cannot end transactions that are open under it. */
  producerId: z.string().nullable(),
  /** The rewind that was applied last; null: none. */
  rewound: z.string().nullable(),
  /** `owner`: null once it has stopped or paused the stream. */
  claim: z.object({ epoch: count, owner: z.string().nullable(), at: z.number() }),
  /** `hasRecord`: Kafka should hold its commit record. */
  committed: decision.extend({ hasRecord: z.boolean(), state }),
  /** Its commit record will decide this state. */
  pending: decision.extend({ change }).nullable(),
})

/** The stored checkpoint of a stream: the committed state, and what the pending one adds to it. */
export type CheckpointDocument = z.infer<typeof documentSchema>
export type CommittedPart = CheckpointDocument['committed']
export type PendingPart = NonNullable<CheckpointDocument['pending']>
/** The stream to which a document belongs. */
export type StreamIdentity = Pick<CheckpointDocument, 'connector' | 'stream' | 'source' | 'destination'>
/** Everything needed to resume. */
export type CommittedState = CommittedPart['state']
/** What one transaction adds to a state. */
export type StateChange = PendingPart['change']

export function serializeDocument(document: CheckpointDocument): string {
  return `${JSON.stringify(document)}\n`
}

const formatOnly = z.object({ format: z.number() })

/** Throws `checkpoint.damaged`, or `checkpoint.unknown-format` for a format that is not supported. Never guesses. */
export function parseDocument(text: string): CheckpointDocument {
  const value = parsedJson(text)
  const found = formatOnly.safeParse(value)
  if (found.success && found.data.format !== FORMAT)
    throw new ConnectorError(
      'checkpoint.unknown-format',
      `read checkpoint: format ${found.data.format} is not supported, this version supports only format ${FORMAT}`,
    )
  const parsed = documentSchema.safeParse(value)
  if (parsed.success) return parsed.data
  // Invariant 8: paths, never a value.
  const places = parsed.error.issues.slice(0, 5).map(({ path }) => path.join('.') || 'the top level')
  throw new ConnectorError('checkpoint.damaged', `read checkpoint: invalid at ${places.join(', ')}`)
}

/** The state of a stream that has read nothing yet. */
export const newStreamState: CommittedState = { scans: newScans, nextEvent: 0, mapping: null, index: emptyIndex }

/** The state after the change. */
export function stateAfter({ index }: CommittedState, { entries, ...reached }: StateChange): CommittedState {
  return { ...reached, index: withEntries(index, entries) }
}

/** The committed state after `pending` was decided by its commit record. */
export function committedPartByRecord({ committed, pending }: CheckpointDocument): CommittedPart {
  if (pending === null) return committed
  const { change, ...decision } = pending
  return { ...decision, hasRecord: true, state: stateAfter(committed.state, change) }
}

/** The document after its transaction was committed: nothing is pending. */
export function documentAfterCommit(document: CheckpointDocument): CheckpointDocument {
  return { ...document, committed: committedPartByRecord(document), pending: null }
}
