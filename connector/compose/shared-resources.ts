import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ConnectorConfig } from '../config/connector-config.ts'
import { type KafkaClientParts, kafkaClient } from '../kafka/kafka-client.ts'
import type { KafkaConnection } from '../kafka/kafka-config.ts'
import type { ConnectionParts } from '../kafka/kafka-connection.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { assertNever } from '../runtime/compiler-checks.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type Semaphore, semaphore } from '../runtime/semaphore.ts'
import { type RequestRates, requestRates } from '../source/polaris/http/request-rate.ts'
import { type AccountGate, accountGates } from '../source/polaris/session/account-gate.ts'
import type { CheckpointStore, StoreParts } from '../storage/checkpoint-store.ts'
import { type CheckpointConfig, checkpointPlace } from '../storage/checkpoint-store-config.ts'
import { fileStore } from '../storage/file-store.ts'
import { s3Store } from '../storage/s3/s3-store.ts'

/** What the streams of a process share. */
export interface SharedResources {
  readonly config: ConnectorConfig
  readonly clock: Clock
  /** Name of this replica, unique among all processes. */
  readonly replica: string
  readonly store: CheckpointStore
  /** Resolves once the store is known to support conditional writes. After a probe has succeeded, there is no other. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  /** Limits the requests to each Polaris server. */
  readonly requestRates: RequestRates
  /** Limits how many streams are opened at the same time. */
  readonly openLimit: Semaphore
  /** Makes the gate of a stream to accounts, and shares what is known of them. */
  readonly newAccountGate: () => AccountGate
}

/** Builds what sends requests to brokers under a client id. */
export function connectionParts(
  connection: KafkaConnection,
  { clock }: SharedResources,
  client: Pick<KafkaClientParts, 'clientId' | 'patience'>,
): ConnectionParts {
  return { clock, newClient: () => kafkaClient(connection, { ...client, clock }) }
}

export function replicaName(): string {
  return `${hostname()}-${randomUUID().slice(0, 8)}`
}

/** It observes the resources; commands observe nothing. */
interface ResourceObservers {
  readonly onStoreRetry?: StoreParts['onRetry']
}

/** A replica opens all its streams when it starts or a broker recovers; each needs about ten round trips. */
const OPENINGS_AT_ONCE = 10

/** Builds what the streams share. Connects to nothing; `closing` closes the checkpoint store. */
export function openSharedResources(
  config: ConnectorConfig,
  { clock, replica, onStoreRetry: onRetry = () => {} }: Pick<SharedResources, 'clock' | 'replica'> & ResourceObservers,
  closing: CloseStack,
): SharedResources {
  const store = closing.use(openCheckpointStore(config.checkpoint, { clock, onRetry }), (opened) => opened.close())
  let isProbed = false
  return {
    config,
    clock,
    replica,
    store,
    storeReady: async (stop) => {
      if (!isProbed) await store.probe(stop)
      isProbed = true
    },
    openLimit: semaphore(OPENINGS_AT_ONCE),
    requestRates: requestRates(clock),
    newAccountGate: accountGates(clock),
  }
}

/** Builds the store of the URL; `probe` must be called before it is used. Throws `config.invalid`. */
export function openCheckpointStore(config: CheckpointConfig, parts: StoreParts): CheckpointStore {
  const place = checkpointPlace(config.url)
  if (typeof place === 'string') throw new ConnectorError('config.invalid', `CHECKPOINT_URL: ${place}`)
  switch (place.kind) {
    case 's3':
      return s3Store({ place, s3: config.s3 }, parts)
    case 'file':
      return fileStore(place.directory, parts)
    default:
      return assertNever(place)
  }
}
