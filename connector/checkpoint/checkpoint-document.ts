import { z } from 'zod'
import type { Destination, Note } from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { CheckPoint, SourceTime } from '../source/client-source.ts'

export const FORMAT = 1

const count = z.number().int().nonnegative()
const sourceTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/)
  .transform((text) => text as SourceTime)
const slice = z.object({ until: sourceTime, entries: z.string().regex(/^(?:[\w-]{22})*$/) })
const resume = z.object({
  lastChanged: sourceTime,
  checkPoint: z
    .string()
    .transform((text) => text as CheckPoint)
    .nullable(),
  limit: count,
  output: z.enum(['xml', 'json']),
  drain: z.enum(['open', 'due']),
  startedAt: z.number().nullable(),
  lastModifiedAt: sourceTime.nullable(),
})
const mapping = z.object({ clientId: z.string(), modifiedAt: z.string().nullable() }).nullable()
const state = z.object({
  resume,
  events: count,
  mapping,
  window: z.object({ frozen: z.array(slice).readonly(), seen: z.array(slice).readonly() }),
})
const windowStep = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('seen'), slice }),
  z.object({ kind: z.literal('freeze'), keepFrom: sourceTime }),
])
const change = z.object({ resume, events: count, mapping, windowSteps: z.array(windowStep).readonly() })
/** Under which epoch and number something was decided or prepared, and when (ms since 1970, the writer's clock). */
const decision = z.object({ epoch: count, seq: count, nonce: z.string(), at: z.number() })

const documentSchema = z.object({
  format: z.literal(FORMAT),
  /** Unique for each write: tells a lost answer from somebody else's write. */
  nonce: z.string(),
  connector: z.string(),
  stream: z.string(),
  source: z.object({ url: z.string(), codeMagasin: z.number().int(), prefixCle: z.string().nullable() }),
  destination: z.object({ clusterId: z.string(), topic: z.string(), partitions: count }),
  claim: z.object({ epoch: count, owner: z.string(), at: z.number() }),
  /** `by`: how it came about. Only a state decided by a note can be missed by Kafka. */
  committed: decision.extend({ by: z.enum(['beginning', 'note', 'operator', 'at-least-once']), state }),
  pending: decision.extend({ change }).nullable(),
})

/** What is stored for a stream: the state that holds, and what the next one adds to it. */
export type CheckpointDocument = z.infer<typeof documentSchema>
export type Committed = CheckpointDocument['committed']
export type Pending = NonNullable<CheckpointDocument['pending']>
export type SourceIdentity = CheckpointDocument['source']

/** Who the document belongs to. */
export interface StreamIdentity {
  readonly connector: string
  readonly stream: string
  readonly source: SourceIdentity
  readonly destination: Destination
}

export function serializeDocument(document: CheckpointDocument): string {
  return `${JSON.stringify(document)}\n`
}

/** Throws `checkpoint.damaged`, or `checkpoint.unknown-format` for a format that this version does not know. Never guesses. */
export function parseDocument(text: string): CheckpointDocument {
  const value = parseJson(text)
  const format = z.object({ format: z.number() }).safeParse(value)
  if (format.success && format.data.format !== FORMAT) {
    throw new ConnectorError(
      'checkpoint.unknown-format',
      `read checkpoint: format ${format.data.format} is not format ${FORMAT}, the only one this version knows`,
    )
  }
  const parsed = documentSchema.safeParse(value)
  if (parsed.success) return parsed.data
  // Invariant 8: where, never what.
  const where = parsed.error.issues.map((issue) => issue.path.join('.') || 'the document').slice(0, 5)
  throw new ConnectorError('checkpoint.damaged', `read checkpoint: not a checkpoint document at ${where.join(', ')}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ConnectorError('checkpoint.damaged', `read checkpoint: ${text.length} characters that are not JSON`)
  }
}

/** Notes and decisions are compared by epoch, then seq; equal means the same nonce too. */
export function compareNotes(left: Note, right: Note): 'older' | 'newer' | 'equal' | 'different' {
  if (left.epoch !== right.epoch) return left.epoch < right.epoch ? 'older' : 'newer'
  if (left.seq !== right.seq) return left.seq < right.seq ? 'older' : 'newer'
  return left.nonce === right.nonce ? 'equal' : 'different'
}
