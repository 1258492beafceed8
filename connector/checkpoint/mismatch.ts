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
  const compared: [string, string | number | null, string | number | null][] = [
    ['connector', document.connector, identity.connector],
    ['stream', document.stream, identity.stream],
    ['source of events', document.eventSource, identity.eventSource],
    ['codeMagasin', document.source.codeMagasin, source.codeMagasin],
    ['prefixCle', document.source.prefixCle, source.prefixCle],
  ]
  const { clusterId, topic } = destination
  const places: typeof compared = [
    // If either cluster id is unknown, only the topic id is compared.
    ['Kafka cluster', document.destination.clusterId ?? clusterId, clusterId ?? document.destination.clusterId],
    ['topic', document.destination.topic, topic],
  ]
  return (
    different(compared, 'checkpoint.other-stream') ??
    different(places, 'checkpoint.topic-lost') ??
    ('topicId' in destination ? replacedTopic(document, destination) : undefined)
  )
}

function different(
  compared: readonly (readonly [what: string, stored: string | number | null, configured: string | number | null])[],
  code: ErrorCode,
): Mismatch | undefined {
  const wrong = compared.find(([, stored, configured]) => stored !== configured)
  if (wrong === undefined) return undefined
  const [what, stored, configured] = wrong
  return { code, why: `the document belongs to ${what} ${stored ?? '(none)'}, not to ${configured ?? '(none)'}` }
}

function replacedTopic(document: CheckpointDocument, destination: Destination): Mismatch | undefined {
  const { topic, topicId, partitions } = document.destination
  if (topicId === destination.topicId && partitions <= destination.partitions) return undefined
  const before = `id ${topicId} and ${partitions} partitions`
  const now = `id ${destination.topicId} and ${destination.partitions} partitions`
  const published = publishedEvents(document)
  return published === 0
    ? undefined
    : {
        code: 'checkpoint.topic-lost',
        why: `topic ${topic} was deleted and created again (before: ${before}; now: ${now}); the ${published} events published to it are lost`,
      }
}

/** The number of events that were published according to the document, including those of a pending transaction. */
export function publishedEvents({ committed, pending }: CheckpointDocument): number {
  return Math.max(committed.state.events, pending?.change.events ?? 0)
}
