import { publishError } from './classify-kafka-error.ts'
import { noteOffsets } from './commit-note.ts'
import { endConnection, openProducer, type SessionParts } from './kafka-session.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * A transaction under the names of `parts`, which must be nobody's, that commits a note of its own group and no record. Rejects with
 * `publish.*` (`publish.fenced`: somebody uses the same names at this moment) or the reason of `stop`.
 */
export async function trialTransaction(parts: SessionParts, nonce: string, stop: AbortSignal): Promise<void> {
  const { config, names } = parts
  const { transactionalId, noteGroup: group } = names
  const topic = config.topic.events
  const needs = {
    29: `READ on topic ${topic}`,
    30: `READ on group ${group}`,
    53: `WRITE on transactional id ${transactionalId}`,
  }
  try {
    const transactionTimeout = config.timeouts.transactionMs
    const opened = await openProducer(
      parts,
      { transactionalId, transactionTimeout, start: (producer) => producer.transaction() },
      stop,
    )
    try {
      await untilAborted(stop, opened.started.sendOffsets(noteOffsets({ group, topic }, { epoch: 0, seq: 0, nonce })))
      await untilAborted(stop, opened.started.commit())
    } catch (error) {
      if (opened.started.isActive()) await untilAborted(stop, opened.started.abort()).catch(() => undefined)
      throw error
    } finally {
      void endConnection(parts, { client: opened.client, disconnect: opened.producer.disconnect })
    }
  } catch (error) {
    stop.throwIfAborted()
    throw publishError(`commit a transaction of ${transactionalId}`, error, needs)
  }
}
