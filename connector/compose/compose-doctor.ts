import type { CheckpointDocument } from '../checkpoint/checkpoint-document.ts'
import type { ConnectorConfig, StreamConfig } from '../config/connector-config.ts'
import { indexMemory, streamIndex } from '../index/stream-index.ts'
import { checkProgress } from '../inspect/doctor/check-progress.ts'
import type { DoctorParts, StreamUnderTest } from '../inspect/doctor/doctor-parts.ts'
import { streamNames } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import type { SeenCertificate, SourceEvent } from '../source/client-source.ts'
import { httpClientSource } from '../source/polaris/http-client-source.ts'
import {
  eventRules,
  openParts,
  streamObject,
  streamSegments,
  wishesObject,
  withoutPlacement,
} from './compose-stream.ts'
import { adminParts, openSharedResources, type SharedResources } from './shared-resources.ts'

/** What `doctor` checks, with its own adapters. The timeouts for Kafka and the store are shorter than those of `run`. */
export function composeDoctor(configured: ConnectorConfig, clock: Clock, closing: CloseStack): DoctorParts {
  const config = withShortTimeouts(configured)
  const names = streamNames(config.connector, 'doctor')
  const silent = { kafkaLog: () => {}, onStoreRetry: () => {}, onOpening: () => {} }
  const parts = { clock, replica: names.clientId, ...silent }
  const shared = openSharedResources(config, parts, closing)
  return {
    config,
    clock,
    progress: checkProgress(),
    names,
    store: shared.store,
    admin: adminParts(config.kafka, shared, { clientId: names.clientId, pace: 'doctor' }),
    streams: config.streams.map((stream) => streamUnderTest(stream, shared, closing)),
  }
}

function streamUnderTest(stream: StreamConfig, shared: SharedResources, closing: CloseStack): StreamUnderTest {
  const { clock, config, accounts } = shared
  const certificates: SeenCertificate[] = []
  const http = {
    clock,
    observe: (event: SourceEvent) => {
      if (event.kind === 'certificate-seen') certificates.push(event)
    },
    permits: shared.servers.of(stream.polaris),
    accounts,
  }
  const source = closing.use(httpClientSource(stream.polaris, http), (opened) => opened.close())
  const open = openParts(stream, shared, { ...withoutPlacement, observe: () => {}, closing })
  return {
    config: stream,
    source,
    certificates: () => certificates,
    identity: open.identity,
    object: streamObject(stream, shared),
    wishes: wishesObject(stream, shared),
    events: eventRules(stream),
    readIndex: (document, stop) => readIndex(stream, shared, { document, stop }),
    names: streamNames(config.connector, stream.name),
  }
}

/** Reports unavailable stores within seconds. */
function withShortTimeouts(config: ConnectorConfig): ConnectorConfig {
  const { checkpoint } = config
  return {
    ...config,
    checkpoint: { ...checkpoint, callWithinMs: Math.min(checkpoint.callWithinMs, 6_000) },
  }
}

/** Not in the memory of all indexes: a replica does not have all streams. */
async function readIndex(
  stream: StreamConfig,
  shared: SharedResources,
  { document, stop }: { document: CheckpointDocument; stop: AbortSignal },
): Promise<void> {
  const memory = indexMemory(Number.POSITIVE_INFINITY)
  const index = streamIndex(streamSegments(stream, shared), Number.POSITIVE_INFINITY, { memory })
  await index.load({ nonce: document.nonce, index: document.committed.state.index }, stop)
}
