import { createRequire } from 'node:module'
import { registerCodecs } from './compression-codecs.ts'
import { type Encoder, shareEncoderMemory } from './encoder-memory.ts'
import { type MetadataBroker, type MetadataPool, requestUsedTopicsOnly } from './metadata-requests.ts'
import { followPlans, type TransactionCoordinator } from './planned-partitions.ts'
import { type ProducerInitializer, reportIdentities } from './producer-identity.ts'
import { crc32c, recordEncoder } from './record-encoder.ts'
import { keepSaslFailures, type SaslAuthenticator } from './sasl-login.ts'
import { type ProduceTarget, reportWrites } from './written-partitions.ts'

const load = createRequire(import.meta.url)

/** The only version whose internals these patches fit. */
const knownVersion = '2.2.4'

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

interface Runner {
  readonly running: boolean
  fetch(nodeId: string): Promise<unknown[]>
}

interface BrokerPool extends MetadataPool {
  withBroker(work: (on: { nodeId: string; broker: unknown }) => Promise<unknown>): Promise<unknown>
}

interface Internals {
  readonly version: string
  readonly RequestQueue: { readonly prototype: RequestQueue }
  readonly SaslAuthenticator: { readonly prototype: SaslAuthenticator }
  readonly Runner: { readonly prototype: Runner }
  readonly Cluster: { readonly prototype: object }
  readonly Broker: { readonly prototype: TransactionCoordinator & ProducerInitializer & ProduceTarget & MetadataBroker }
  readonly BrokerPool: { readonly prototype: BrokerPool }
  readonly Encoder: { readonly prototype: Encoder }
  readonly createEosManager: (options: object) => unknown
}

let isPatched = false

/**
 * Patches kafkajs once per process, before its first use. Throws a plain Error if its internals differ from the known
 * version.
 */
export function patchKafkaJs(): void {
  if (isPatched) return
  const internals = loadInternals()
  checkInternals(internals)
  stopIdleTimers(internals.RequestQueue.prototype)
  keepSaslFailures(internals.SaslAuthenticator.prototype)
  endStoppedFetchers(internals.Runner.prototype)
  shortenInitRetries(internals.Cluster.prototype)
  keepCoordinatorErrors(internals.BrokerPool.prototype)
  requestUsedTopicsOnly(internals.BrokerPool.prototype, internals.Broker.prototype)
  followPlans(internals.Broker.prototype)
  reportIdentities(internals.Broker.prototype)
  reportWrites(internals.Broker.prototype)
  replaceEncoding(internals.Encoder.prototype)
  registerCodecs()
  isPatched = true
}

function loadInternals(): Internals {
  const { version } = load('kafkajs/package.json')
  if (version !== knownVersion) throw unsupported(`version ${version}`)
  return {
    version,
    RequestQueue: load('kafkajs/src/network/requestQueue'),
    SaslAuthenticator: load('kafkajs/src/broker/saslAuthenticator'),
    Runner: load('kafkajs/src/consumer/runner'),
    Cluster: load('kafkajs/src/cluster'),
    Broker: load('kafkajs/src/broker'),
    BrokerPool: load('kafkajs/src/cluster/brokerPool'),
    Encoder: load('kafkajs/src/protocol/encoder'),
    createEosManager: load('kafkajs/src/producer/eosManager'),
  }
}

/** Checks that everything a patch replaces or relies on exists. Exported for its test. */
export function checkInternals(internals: Omit<Internals, 'Cluster' | 'version'>): void {
  const { RequestQueue, SaslAuthenticator, Runner, Broker, BrokerPool, Encoder, createEosManager } = internals
  const methods = [
    RequestQueue.prototype.scheduleCheckPendingRequests,
    RequestQueue.prototype.checkPendingRequests,
    SaslAuthenticator.prototype.authenticate,
    Runner.prototype.fetch,
    Broker.prototype.addPartitionsToTxn,
    Broker.prototype.initProducerId,
    Broker.prototype.produce,
    Broker.prototype.metadata,
    BrokerPool.prototype.withBroker,
    BrokerPool.prototype.refreshMetadata,
    Encoder.prototype.ensureAvailable,
    Encoder.prototype.writeBufferInternal,
    Encoder.prototype.writeEncoderArray,
  ]
  if (methods.some((method) => typeof method !== 'function')) throw unsupported('a patched method is missing')
  let readsClusterRetry = false
  const cluster = {
    get retry() {
      readsClusterRetry = true
      return {}
    },
  }
  createEosManager({ logger: {}, cluster, transactional: false })
  if (!readsClusterRetry) throw unsupported('eosManager does not read cluster.retry')
}

const unsupported = (what: string) =>
  new Error(`unsupported kafkajs (${what}): this connector needs exactly version ${knownVersion}`)

/** In the original, every connection runs a timer each millisecond, even when idle: 4-6 % of a core. */
function stopIdleTimers(queue: RequestQueue): void {
  queue.scheduleCheckPendingRequests = function schedule(this: RequestQueue) {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
    const pauseMs = Math.max(this.throttledUntil - Date.now(), 10)
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, pauseMs)
  }
}

/**
 * When a broker joins or leaves, a consumer replaces its fetchers, even if it is being stopped. In the original,
 * fetches of a stopped consumer return at once, so the new fetchers loop forever in microtasks and the process no
 * longer handles timers, sockets or signals.
 */
function endStoppedFetchers(runner: Runner): void {
  const original = runner.fetch
  runner.fetch = async function fetch(this: Runner, nodeId) {
    if (!this.running) throw new Error('the consumer was stopped') // ends the fetcher; stopping continues
    return await original.call(this, nodeId)
  }
}

/** Over an open transaction, InitProducerId takes tens of ms instead of 300 or more. No setting reaches its retries. */
function shortenInitRetries(cluster: object): void {
  const retry = { initialRetryTime: 20, maxRetryTime: 500, retries: 30, factor: 0.2, multiplier: 2 }
  Object.defineProperty(cluster, 'retry', { get: () => retry, set: () => undefined })
}

/** The original swallows every error of a coordinator lookup, missing ACLs included, and returns null. */
function keepCoordinatorErrors(pool: BrokerPool): void {
  const original = pool.withBroker
  pool.withBroker = async function withBroker(this: BrokerPool, work) {
    let lastError: unknown
    const result = await original.call(this, async (on) => {
      try {
        return await work(on)
      } catch (error) {
        lastError = error
        throw error
      }
    })
    if (result === null && lastError !== undefined) throw lastError
    return result
  }
}

/**
 * Exact-size records, a faster checksum and one buffer per request: less than half the cost of the original. Must run
 * before kafkajs first produces, which is when it loads these modules.
 */
function replaceEncoding(encoder: Encoder): void {
  shareEncoderMemory(encoder)
  replaceModule('kafkajs/src/protocol/recordBatch/record/v0', recordEncoder)
  replaceModule('kafkajs/src/protocol/recordBatch/crc32C', () => crc32c)
}

function replaceModule<Original>(name: string, replacement: (original: Original) => Original): void {
  const original = load(name)
  const entry = load.cache[load.resolve(name)]
  if (typeof original !== 'function' || entry === undefined) throw unsupported(`${name} is missing`)
  entry.exports = replacement(original)
}
