import * as z from 'zod'
import { streamMapping } from '../event/page-mapping.ts'
import { deltaSchema, emptyIndex, indexSchema, withEntries } from '../index/index-state.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { parsedJson } from '../runtime/parsed-json.ts'
import { newScans, scanStates } from '../scan/scan-state.ts'

export const FORMAT = 20

const wholeNumber = z.number().int().nonnegative()
const stateFields = {
  scans: scanStates,
  /** The next event gets this number as its `sequence`. It does not count events: numbers may be skipped. */
  nextEvent: wholeNumber,
  /** Tells where clients and their fields are on a page; null before the first page. */
  mapping: streamMapping.nullable(),
}
const state = z.object({ ...stateFields, index: indexSchema })
/** `entries` are those that the transaction adds to the client index. */
const change = z.object({ ...stateFields, entries: deltaSchema })
/**
 * Identifies a prepared or committed state, and is the key of its commit record. `epoch` is that of the claim which
 * prepared it, so it is not the epoch of a Kafka producer. `seq` numbers transactions: it is 0 when the stream begins,
 * and each prepare adds 1 to that of the committed state; `sequence` numbers events instead. `nonce` is that of the
 * document which prepared the state or began the stream. `at` says when that was, in ms since 1970 by the clock of its
 * writer.
 */
const stateStamp = z.object({ epoch: wholeNumber, seq: wholeNumber, nonce: z.string(), at: z.number() })

const documentSchema = z.object({
  format: z.literal(FORMAT),
  /** It is unique for each write, which tells our own write, whose response was lost, from that of another process. */
  nonce: z.string(),
  connector: z.string(),
  stream: z.string(),
  source: z.object({ url: z.string(), codeMagasin: z.number().int(), prefixCle: z.string().nullable() }),
  destination: z.object({
    /** It is null if Kafka reports none, which the protocol allows. */
    clusterId: z.string().nullable(),
    topic: z.string(),
    topicId: z.string(),
    partitions: wholeNumber,
    /**
     * This is the number of partitions when the stream began in this topic. It is null if the topic had records by
     * then, because they may have been written when it had fewer partitions.
     */
    firstPartitions: wholeNumber.nullable(),
  }),
  /**
   * This is the id of the last transactional producer of the stream. Only a producer with this id can end transactions
   * that it has left open.
   */
  producerId: z.string().nullable(),
  /** Names the rewind that was applied last; null if none was. */
  appliedRewind: z.string().nullable(),
  /**
   * `epoch` numbers the claims of the stream: each claim has a higher one. It has nothing to do with the epoch that
   * Kafka gives to a producer. `owner` is the replica that runs the stream; null once it has stopped or paused the
   * stream. It claimed at `at`, in ms since 1970.
   */
  claim: z.object({ epoch: wholeNumber, owner: z.string().nullable(), at: z.number() }),
  /** `expectsRecord` says whether Kafka should still have the commit record of this state. */
  committed: stateStamp.extend({ expectsRecord: z.boolean(), state }),
  /** Holds what the open transaction adds, whose commit record decides whether that becomes the committed state. */
  pending: stateStamp.extend({ change }).nullable(),
})

/** The stored checkpoint of a stream has the committed state, and what the pending transaction adds to it. */
export type CheckpointDocument = z.infer<typeof documentSchema>
export type CommittedPart = CheckpointDocument['committed']
export type PendingPart = NonNullable<CheckpointDocument['pending']>
/** Identifies the stream to which a document belongs. */
export type StreamIdentity = Pick<CheckpointDocument, 'connector' | 'stream' | 'source' | 'destination'>
/** A stream resumes from this state. */
export type CommittedState = CommittedPart['state']
/**
 * Holds what changes in a state, mostly by a group of pages. `entries` are added to the index of the state; the other
 * fields replace those of the state.
 */
export type StateChange = PendingPart['change']

export function serializeDocument(document: CheckpointDocument): string {
  return `${JSON.stringify(document)}\n`
}

const formatOnly = z.object({ format: z.number() })

/** Throws `checkpoint.damaged`, or `checkpoint.unknown-format` for a format that is not supported. Never guesses. */
export function parseDocument(text: string): CheckpointDocument {
  const value = parsedJson(text)
  const formatResult = formatOnly.safeParse(value)
  if (formatResult.success && formatResult.data.format !== FORMAT)
    throw new ConnectorError(
      'checkpoint.unknown-format',
      `read checkpoint: format ${formatResult.data.format} is not supported, this version supports only format ${FORMAT}`,
    )
  const documentResult = documentSchema.safeParse(value)
  if (documentResult.success) return documentResult.data
  // Invariant 8: the error names paths of fields, never their values.
  const invalidPaths = documentResult.error.issues.slice(0, 5).map(({ path }) => path.join('.') || 'the top level')
  throw new ConnectorError('checkpoint.damaged', `read checkpoint: invalid at ${invalidPaths.join(', ')}`)
}

/** A stream that has read nothing has this state. */
export const newStreamState: CommittedState = { scans: newScans, nextEvent: 0, mapping: null, index: emptyIndex }

/** Returns the state after the change. */
export function stateAfter({ index }: CommittedState, { entries, ...otherFields }: StateChange): CommittedState {
  return { ...otherFields, index: withEntries(index, entries) }
}

/** Returns what is committed once the commit record of `pending` is found: the pending state, if there is one. */
export function committedPartByRecord({ committed, pending }: CheckpointDocument): CommittedPart {
  if (pending === null) return committed
  const { change, ...stamp } = pending
  return { ...stamp, expectsRecord: true, state: stateAfter(committed.state, change) }
}

/** Returns the document after its transaction was committed: nothing is pending. */
export function documentAfterCommit(document: CheckpointDocument): CheckpointDocument {
  return { ...document, committed: committedPartByRecord(document), pending: null }
}
