import { totalmem } from 'node:os'
import type { StreamConfig } from '../config/connector-config.ts'
import type { AuditParts } from '../inspect/audit/audit-stream.ts'
import type { DoctorParts, StreamUnderTest } from '../inspect/doctor/doctor-parts.ts'
import { readTopicEvents } from '../kafka/reading/read-topic.ts'
import { streamNames } from '../publish/event-publisher.ts'
import type { ReadEvents } from '../publish/event-reading.ts'
import {
  type CommandReader,
  commandReader,
  type OpenSourceParts,
  openSource,
  streamIdentity,
  streamObject,
} from './compose-stream.ts'
import { connectionParts, type SharedResources } from './shared-resources.ts'

/** Builds what `doctor` checks. The timeouts for Kafka are shorter than those of `run`. */
export function composeDoctor(parts: Omit<OpenSourceParts, 'observe'>): DoctorParts {
  const { shared } = parts
  const { config, clock, store } = shared
  const { clientId } = streamNames(config.connector, 'doctor')
  return {
    config,
    clock,
    store,
    admin: connectionParts(config.kafka, shared, { clientId, patience: 'doctor' }),
    indexBytes: memoryForIndexes(),
    streams: config.streams.map((stream) => streamUnderTest(stream, parts)),
  }
}

/** The program needs this memory besides the indexes. */
const PROGRAM_BYTES = 256 * 1024 ** 2

/**
 * Returns the memory that container or machine leaves for indexes. Without a limit, Node returns 0 or more than there
 * is.
 */
function memoryForIndexes() {
  const limit = process.constrainedMemory()
  return Math.max(0, (limit > 0 ? Math.min(limit, totalmem()) : totalmem()) - PROGRAM_BYTES)
}

function streamUnderTest(stream: StreamConfig, parts: Omit<OpenSourceParts, 'observe'>): StreamUnderTest {
  const { shared } = parts
  const { connector } = shared.config
  return {
    config: stream,
    source: openSource(stream, { ...parts, observe: () => {} }),
    identity: streamIdentity(stream, connector),
    object: streamObject(stream, shared),
    names: streamNames(connector, stream.name),
  }
}

/** A page is tried again so often. */
const RETRIES = 4

/**
 * Builds what an audit of a stream works with: its own source, which gives up during an outage, and a reader of its
 * topics.
 */
export function composeAudit(
  stream: StreamConfig,
  { shared, closing, mapping }: Pick<CommandReader, 'shared' | 'closing' | 'mapping'>,
): AuditParts {
  const { kafka, events, rules, sharedKeys: isShared } = stream
  return {
    reader: commandReader(stream, { shared, closing, mapping, retries: RETRIES }),
    settings: events,
    topic: {
      readEvents: eventsReader(stream, shared),
      eventSource: events.form.source,
      isShared,
      ignored: rules.ignored,
    },
    names: kafka.topic,
    clock: shared.clock,
  }
}

export function eventsReader({ name, kafka }: StreamConfig, shared: SharedResources): ReadEvents {
  const { clientId } = streamNames(shared.config.connector, name)
  const brokers = { ...connectionParts(kafka, shared, { clientId, patience: 'stream' }), config: kafka }
  return (reading, stop) => readTopicEvents(brokers, reading, stop)
}
