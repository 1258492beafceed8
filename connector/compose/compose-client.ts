import { randomUUID } from 'node:crypto'
import type { StreamConfig } from '../config/connector-config.ts'
import type { FindClientParts } from '../inspect/client/find-client.ts'
import { kafkaEventPublisher } from '../kafka/kafka-event-publisher.ts'
import { erasureMarks } from '../pipeline/features/erase/erasure-marks.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { openParts, streamErasures, withoutPlacement } from './compose-stream.ts'
import type { SharedResources } from './shared-resources.ts'

/** Adapters that only read, to look for a client. */
export function composeClient(
  stream: StreamConfig,
  shared: SharedResources,
  closing: CloseStack,
): Omit<FindClientParts, 'onProgress'> {
  const { clock, accounts, config, kafkaLog: log } = shared
  const open = openParts(stream, shared, { ...withoutPlacement, observe: () => {}, closing })
  const { topic } = stream.kafka
  const names = { connector: config.connector, stream: stream.name }
  const ofDeadLetters = { ...stream.kafka, topic: { ...topic, events: topic.deadLetters } }
  const deadLetters = closing.use(kafkaEventPublisher(ofDeadLetters, { ...names, clock, log, accounts }), (opened) =>
    opened.close(),
  )
  return { open, deadLetters, erasures: erasureMarks({ object: streamErasures(stream, shared), newNonce: randomUUID }) }
}
