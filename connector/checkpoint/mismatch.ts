import type { Destination } from '../publish/event-publisher.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { CheckpointDocument, StreamIdentity } from './checkpoint-document.ts'

/** Why a stream cannot use a document. */
interface Mismatch {
  readonly code: ErrorCode
  readonly why: string
}

/** What a stream is, as far as it is known: of a topic that was not read, its configured name. */
export interface KnownIdentity extends Omit<StreamIdentity, 'destination'> {
  readonly destination: Destination | Pick<Destination, 'clusterId' | 'topic'>
}

/**
 * Checks that the document belongs to this stream. Another stream, source, cluster or topic is a mismatch; a new URL or
 * more partitions are not. Pure.
 */
export function mismatch(document: CheckpointDocument, identity: KnownIdentity): Mismatch | undefined {
  const { source, destination } = identity
  const { clusterId, topic } = document.destination
  const compared: readonly [ErrorCode, string, string | number | null, string | number | null][] = [
    ['checkpoint.other-stream', 'connector', document.connector, identity.connector],
    ['checkpoint.other-stream', 'stream', document.stream, identity.stream],
    ['checkpoint.other-stream', 'codeMagasin', document.source.codeMagasin, source.codeMagasin],
    ['checkpoint.other-stream', 'prefixCle', document.source.prefixCle, source.prefixCle],
    // If either cluster id is unknown, only the topic id is compared.
    ['checkpoint.topic-lost', 'Kafka cluster', clusterId ?? destination.clusterId, destination.clusterId ?? clusterId],
    ['checkpoint.topic-lost', 'topic', topic, destination.topic],
  ]
  const wrong = compared.find(([, , stored, configured]) => stored !== configured)
  if (wrong === undefined) return 'topicId' in destination ? replacedTopic(document, destination) : undefined
  const [code, what, stored, configured] = wrong
  return { code, why: `the document belongs to ${what} ${stored ?? '(none)'}, not to ${configured ?? '(none)'}` }
}

/** A topic may be deleted and created again as long as this stream has published nothing to it. */
function replacedTopic(document: CheckpointDocument, now: Destination): Mismatch | undefined {
  const { topic, topicId, partitions } = document.destination
  const published = publishedEvents(document)
  const isSame = topicId === now.topicId && partitions <= now.partitions
  if (isSame || published === 0) return undefined
  const ids = `before: id ${topicId} and ${partitions} partitions; now: id ${now.topicId} and ${now.partitions} partitions`
  const why = `topic ${topic} was deleted and created again (${ids}); the ${published} events published to it are lost`
  return { code: 'checkpoint.topic-lost', why }
}

/** The number of events that were published according to the document, including those of a pending transaction. */
export function publishedEvents({ committed, pending }: CheckpointDocument): number {
  return Math.max(committed.state.events, pending?.change.events ?? 0)
}
