import { type CheckpointDocument, parseDocument, type StreamIdentity } from '../checkpoint/checkpoint-document.ts'
import { mismatch, resolve } from '../checkpoint/resolve.ts'
import type { Destination, Note } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ReadArguments } from '../source/client-source.ts'
import type { VersionedObject } from '../storage/versioned-object.ts'
import { failed, type Judgement, ok, warning } from './finding.ts'

export interface CheckpointQuestion {
  readonly object: VersionedObject
  readonly identity: Omit<StreamIdentity, 'destination'>
  readonly beginAt: ReadArguments | undefined
  readonly offsetsRetentionMs: number
  readonly clock: Clock
  /** Undefined: Kafka or the topic is not there, and the document is judged by itself. */
  readonly kafka: KafkaSide | undefined
}

interface KafkaSide {
  readonly destination: Destination
  readonly readNote: (stop: AbortSignal) => Promise<Note | undefined>
}

/** Whether the stream would open, and where it would go on. Reads only; rejects with `storage.*`, `publish.*`, `checkpoint.*` or the reason of `stop`. */
export async function checkCheckpoint(question: CheckpointQuestion, stop: AbortSignal): Promise<Judgement> {
  const { object, kafka } = question
  const before = await object.read(stop)
  const note = await kafka?.readNote(stop)
  const stored = kafka === undefined ? before : await object.read(stop)
  const document = stored === undefined ? undefined : parseDocument(stored.text)
  if (stored?.version !== before?.version) return ok(`being written at this moment, by ${document?.claim.owner}`)
  return judgeDocument(question, { document, note })
}

function judgeDocument(
  { identity, beginAt, offsetsRetentionMs, clock, kafka }: CheckpointQuestion,
  { document, note }: { document: CheckpointDocument | undefined; note: Note | undefined },
): Judgement {
  const wrong = document && mismatch(document, { ...identity, destination: kafka?.destination ?? document.destination })
  if (wrong !== undefined) return failed('checkpoint.other-stream', wrong)
  const known = { note, isHanging: false, now: clock.now(), retentionMs: offsetsRetentionMs }
  const truth = kafka && resolve(document, known)
  if (truth?.kind === 'stop') return failed(truth.code, truth.why)
  if (document !== undefined && truth?.kind === 'unclear')
    return warning(
      `${described(document, truth.kind)}; Kafka has not the note that goes with it`,
      'the stream looks for its last events when it opens, and stops where they are not there',
    )
  if (document !== undefined) return ok(described(document, truth?.kind))
  if (beginAt !== undefined) return ok(`none yet: the stream will begin at ${beginAt.lastChanged}`)
  return failed('config.invalid', 'none yet, and no beginning is configured', 'set POLARIS_LAST_CHANGED')
}

function described({ claim, committed, pending }: CheckpointDocument, truth: string | undefined): string {
  const { resume, events } = (truth === 'pending' ? pending?.change : undefined) ?? committed.state
  const opened = `epoch ${claim.epoch}, opened by ${claim.owner} at ${new Date(claim.at).toISOString()}`
  const doubt = truth === undefined ? ', not compared with Kafka' : ''
  return `${opened}; ${events} events, goes on from ${resume.lastChanged}${doubt}`
}
