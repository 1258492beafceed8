import type { Message, RecordMetadata } from 'kafkajs'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { PartitionBatches } from './outgoing-batches.ts'

/** One request of one partition. */
export interface PartitionChunk {
  readonly topic: string
  readonly partition: number
  readonly messages: Message[]
}

/**
 * Sends each partition's chunks one after the other, the partitions beside each other, and resolves when all are stored. Rejects with
 * the first error, but not before every request has settled; once given up, no further request begins. (A kafkajs call that spans two leaders loses or doubles records.)
 */
export async function sendBatches(
  batches: readonly PartitionBatches[],
  parts: { send: (chunk: PartitionChunk) => Promise<readonly RecordMetadata[]>; isGivenUp: () => boolean },
): Promise<void> {
  const errors: unknown[] = []
  await Promise.all(
    batches.map(async ({ topic, partition, chunks }) => {
      for (const messages of chunks) {
        if (errors.length > 0 || parts.isGivenUp()) return
        try {
          checkAnswer(await parts.send({ topic, partition, messages: [...messages] }), { topic, partition })
        } catch (error) {
          errors.push(error)
        }
      }
    }),
  )
  if (errors.length > 0) throw errors[0]
}

/** kafkajs can resolve although a partition was never sent: the answer must be about exactly the one that was. */
function checkAnswer(answer: readonly RecordMetadata[], sent: { topic: string; partition: number }): void {
  const [only] = answer
  const covers = only?.topicName === sent.topic && only.partition === sent.partition && only.errorCode === 0
  if (answer.length === 1 && covers) return
  throw new ConnectorError(
    'publish.failed',
    `publish to ${sent.topic}: the answer does not cover partition ${sent.partition}`,
  )
}
