import { totalmem } from 'node:os'
import type { ConnectorConfig, StreamConfig } from '../config/connector-config.ts'
import type { DoctorParts, StreamUnderTest } from '../inspect/doctor/doctor-parts.ts'
import { streamNames } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { openSource } from './compose-source.ts'
import { streamIdentity, streamObject } from './compose-stream.ts'
import { adminParts, openSharedResources, type SharedResources } from './shared-resources.ts'

/** What `doctor` checks, with its own adapters. The timeouts for Kafka are shorter than those of `run`. */
export function composeDoctor(config: ConnectorConfig, clock: Clock, closing: CloseStack): DoctorParts {
  const { clientId } = streamNames(config.connector, 'doctor')
  const silent = { kafkaLog: () => {}, onStoreRetry: () => {} }
  const shared = openSharedResources(config, { clock, replica: clientId, ...silent }, closing)
  return {
    config,
    clock,
    store: shared.store,
    admin: adminParts(config.kafka, shared, { clientId, pace: 'doctor' }),
    indexBytes: memoryForIndexes(),
    streams: config.streams.map((stream) => streamUnderTest(stream, shared, closing)),
  }
}

/** What the program needs besides. */
const PROGRAM_BYTES = 256 * 1024 ** 2

/** What container or machine leaves. Without a limit, Node returns 0 or more than there is. */
function memoryForIndexes(): number {
  const limit = process.constrainedMemory()
  return Math.max(0, (limit > 0 ? Math.min(limit, totalmem()) : totalmem()) - PROGRAM_BYTES)
}

function streamUnderTest(stream: StreamConfig, shared: SharedResources, closing: CloseStack): StreamUnderTest {
  const { connector } = shared.config
  return {
    config: stream,
    source: openSource(stream, { shared, closing, observe: () => {} }),
    identity: streamIdentity(stream, connector),
    object: streamObject(stream, shared),
    names: streamNames(connector, stream.name),
  }
}
