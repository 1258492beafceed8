import { untilAborted } from '../../runtime/abort.ts'
import { closeConnection } from '../kafka-connection.ts'
import { KafkaCode, publishError } from '../kafka-errors.ts'
import { recordOffsets } from './commit-record.ts'
import { openKafkaProducer, type ProducerParts } from './kafka-producer.ts'

/**
 * Runs a transaction that commits a group offset and no records. No stream may use the names in `parts`. Rejects with
 * `publish.*` (`publish.fenced`: another process is using the same names) or the reason of `stop`.
 */
export async function trialTransaction(parts: ProducerParts, nonce: string, stop: AbortSignal): Promise<void> {
  const { config, names } = parts
  const { transactionalId, recordGroup: group } = names
  const topic = config.topic.events
  const needs = {
    [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `READ on topic ${topic}`,
    [KafkaCode.GROUP_AUTHORIZATION_FAILED]: `READ on group ${group}`,
    [KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]: `WRITE on transactional id ${transactionalId}`,
  }
  try {
    const transactionTimeout = config.timeouts.transactionMs
    const opened = await openKafkaProducer(
      parts,
      { transactionalId, transactionTimeout, start: (producer) => producer.transaction() },
      stop,
    )
    try {
      await untilAborted(stop, opened.started.sendOffsets(recordOffsets({ group, topic }, { epoch: 0, seq: 0, nonce })))
      await untilAborted(stop, opened.started.commit())
    } catch (error) {
      if (opened.started.isActive()) await untilAborted(stop, opened.started.abort()).catch(() => undefined)
      throw error
    } finally {
      void closeConnection(parts, { client: opened.client, disconnect: opened.kafkajs.disconnect })
    }
  } catch (error) {
    stop.throwIfAborted()
    throw publishError(`commit a transaction of ${transactionalId}`, error, needs)
  }
}
