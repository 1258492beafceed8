import { openParts, type Surroundings, streamObject, surroundings, withoutPlacement } from './compose.ts'
import { viewReplicas } from './compose-placement.ts'
import type { ConnectorConfig, StreamConfig } from './config/connector-config.ts'
import type { DoctorParts, StreamUnderTest } from './doctor/doctor-parts.ts'
import { kafkaClient } from './publish/kafka-client.ts'
import type { KafkaTimeouts } from './publish/kafka-config.ts'
import { streamNames } from './publish/stream-names.ts'
import type { Clock } from './runtime/clock.ts'
import type { CloseStack } from './runtime/close-stack.ts'
import { httpClientSource } from './source/http-client-source.ts'

/** What `doctor` looks at, with adapters of its own, all quicker to give up than those of `run`; closed by `closing`. */
export function composeDoctor(configured: ConnectorConfig, clock: Clock, closing: CloseStack): DoctorParts {
  const config = impatient(configured)
  const names = streamNames(config.connector, 'doctor')
  const parts = { clock, replica: names.clientId, kafkaLog: () => {}, onStoreRetry: () => {} }
  const around = surroundings(config, parts, closing)
  const connect = () => kafkaClient(config.kafka, { clientId: names.clientId, log: () => {} })
  return {
    config,
    clock,
    names,
    store: around.store,
    admin: { config: config.kafka, clock, connect },
    viewReplicas: (stop) => viewReplicas(around, stop),
    streams: config.streams.map((stream) => streamUnderTest(stream, around, closing)),
  }
}

function streamUnderTest(stream: StreamConfig, around: Surroundings, closing: CloseStack): StreamUnderTest {
  const { clock, config } = around
  const turns = around.turnsOf(stream.polaris)
  const source = closing.use(httpClientSource(stream.polaris, { clock, observe: () => {}, turns }), (one) =>
    one.close(),
  )
  const { identity } = openParts(stream, around, { ...withoutPlacement, observe: () => {}, closing })
  return {
    ...{ config: stream, source, identity, object: streamObject(stream, around) },
    names: streamNames(config.connector, stream.name),
  }
}

const fewRetries = { retries: 1, firstPauseMs: 200, maxPauseMs: 500, maxRetryAfterMs: 500 }

/** For somebody who waits: whatever is down is told of after some seconds. */
function impatient(config: ConnectorConfig): ConnectorConfig {
  const { kafka, checkpoint } = config
  return {
    ...config,
    kafka: { ...kafka, timeouts: quick(kafka.timeouts) },
    checkpoint: { ...checkpoint, callWithinMs: Math.min(checkpoint.callWithinMs, 6_000) },
    streams: config.streams.map((stream) => ({
      ...stream,
      kafka: { ...stream.kafka, timeouts: quick(stream.kafka.timeouts) },
      polaris: {
        ...stream.polaris,
        retry: fewRetries,
        timeouts: { ...stream.polaris.timeouts, connectMs: Math.min(stream.polaris.timeouts.connectMs, 5_000) },
      },
    })),
  }
}

const quick = (timeouts: KafkaTimeouts): KafkaTimeouts => ({
  ...timeouts,
  connectionMs: Math.min(timeouts.connectionMs, 3_000),
  requestMs: Math.min(timeouts.requestMs, 5_000),
  commitWithinMs: Math.min(timeouts.commitWithinMs, 7_000),
  closeMs: Math.min(timeouts.closeMs, 1_000),
})
