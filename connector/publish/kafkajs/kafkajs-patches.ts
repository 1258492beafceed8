import { createRequire } from 'node:module'
import { askForUsedTopics, type MetadataBroker, type MetadataPool } from './asked-topics.ts'
import { crc32c } from './crc32c.ts'
import { type Encoder, shareEncoderMemory } from './encoder-memory.ts'
import { followPlans, type TransactionCoordinator } from './planned-partitions.ts'
import { type IdentityGiver, tellIdentities } from './producer-identity.ts'
import { recordEncoder } from './record-encoder.ts'
import { type RecordKeeper, tellWritten } from './written-partitions.ts'

const load = createRequire(import.meta.url)

/** The only release whose internals are known to be as patched here. */
const knownVersion = '2.2.4'

interface RequestQueue {
  readonly clientId: string
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
  maybeThrottle(pauseMs: number | null): void
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
  readonly Runner: { readonly prototype: Runner }
  readonly Cluster: { readonly prototype: object }
  readonly Broker: { readonly prototype: TransactionCoordinator & IdentityGiver & RecordKeeper & MetadataBroker }
  readonly BrokerPool: { readonly prototype: BrokerPool }
  readonly Encoder: { readonly prototype: Encoder }
  readonly createEosManager: (options: object) => unknown
}

/** Hears of every pause that a broker asks of a client, by client id. */
const throttleListeners = new Map<string, Set<(pauseMs: number) => void>>()
let isPatched = false

/** Repairs kafkajs, once per process, before its first use. Throws a plain Error when its internals are not the known ones. */
export function patchKafkaJs(): void {
  if (isPatched) return
  const internals = loadInternals()
  checkInternals(internals)
  calmRequestQueue(internals.RequestQueue.prototype)
  endStoppedFetchers(internals.Runner.prototype)
  shortenInitRetries(internals.Cluster.prototype)
  keepCoordinatorErrors(internals.BrokerPool.prototype)
  askForUsedTopics(internals.BrokerPool.prototype, internals.Broker.prototype)
  followPlans(internals.Broker.prototype)
  tellIdentities(internals.Broker.prototype)
  tellWritten(internals.Broker.prototype)
  replaceEncoding(internals.Encoder.prototype)
  isPatched = true
}

/** Calls `listener` with every pause in milliseconds that a broker asks of `clientId` (quotas); returns how to stop that. */
export function onThrottled(clientId: string, listener: (pauseMs: number) => void): () => void {
  const listeners = throttleListeners.get(clientId) ?? new Set()
  throttleListeners.set(clientId, listeners.add(listener))
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) throttleListeners.delete(clientId)
  }
}

function loadInternals(): Internals {
  const { version } = load('kafkajs/package.json')
  if (version !== knownVersion) throw notKnown(`version ${version}`)
  return {
    version,
    RequestQueue: load('kafkajs/src/network/requestQueue'),
    Runner: load('kafkajs/src/consumer/runner'),
    Cluster: load('kafkajs/src/cluster'),
    Broker: load('kafkajs/src/broker'),
    BrokerPool: load('kafkajs/src/cluster/brokerPool'),
    Encoder: load('kafkajs/src/protocol/encoder'),
    createEosManager: load('kafkajs/src/producer/eosManager'),
  }
}

/** Every place that a patch replaces or relies on is there. Exported for its test. */
export function checkInternals(internals: Omit<Internals, 'Cluster' | 'version'>): void {
  const { RequestQueue, Runner, Broker, BrokerPool, Encoder, createEosManager } = internals
  const methods = [
    RequestQueue.prototype.scheduleCheckPendingRequests,
    RequestQueue.prototype.checkPendingRequests,
    RequestQueue.prototype.maybeThrottle,
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
  if (methods.some((method) => typeof method !== 'function')) throw notKnown('a patched method is missing')
  let readsClusterRetry = false
  const cluster = {
    get retry() {
      readsClusterRetry = true
      return {}
    },
  }
  createEosManager({ logger: {}, cluster, transactional: false })
  if (!readsClusterRetry) throw notKnown('eosManager does not read cluster.retry')
}

const notKnown = (what: string) =>
  new Error(`kafkajs is not as expected (${what}): this connector needs exactly version ${knownVersion}`)

/** Without it every connection runs a timer each millisecond for ever: 4-6 % of a core. */
function calmRequestQueue(queue: RequestQueue): void {
  queue.scheduleCheckPendingRequests = function schedule(this: RequestQueue) {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
    const pauseMs = Math.max(this.throttledUntil - Date.now(), 10)
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, pauseMs)
  }
  const throttle = queue.maybeThrottle
  queue.maybeThrottle = function maybeThrottle(this: RequestQueue, pauseMs) {
    throttle.call(this, pauseMs)
    if (pauseMs === null || !(pauseMs > 0)) return
    for (const listener of throttleListeners.get(this.clientId) ?? []) listener(pauseMs)
  }
}

/**
 * A consumer that is stopped while its fetchers are being replaced, as a broker came or went, starts the new ones nevertheless. The original
 * answers them at once, for ever, in microtasks: no timer, no socket and no signal of the process is heard any more.
 */
function endStoppedFetchers(runner: Runner): void {
  const original = runner.fetch
  runner.fetch = async function fetch(this: Runner, nodeId) {
    if (!this.running) throw new Error('the consumer was stopped') // ends the fetcher; the stop goes on
    return await original.call(this, nodeId)
  }
}

/** InitProducerId over an open transaction: ready in tens of milliseconds instead of 300 and more (no setting reaches this retry). */
function shortenInitRetries(cluster: object): void {
  const retry = { initialRetryTime: 20, maxRetryTime: 500, retries: 30, factor: 0.2, multiplier: 2 }
  Object.defineProperty(cluster, 'retry', { get: () => retry, set: () => undefined })
}

/** The original swallows every error of a coordinator look-up, missing ACLs too, and answers null. */
function keepCoordinatorErrors(pool: BrokerPool): void {
  const original = pool.withBroker
  pool.withBroker = async function withBroker(this: BrokerPool, work) {
    let lastError: unknown
    const answer = await original.call(this, async (on) => {
      try {
        return await work(on)
      } catch (error) {
        lastError = error
        throw error
      }
    })
    if (answer === null && lastError !== undefined) throw lastError
    return answer
  }
}

/** Exact-size records, a quicker checksum and one memory for a request: less than half of what kafkajs needs. It loads the modules when it first produces. */
function replaceEncoding(encoder: Encoder): void {
  shareEncoderMemory(encoder)
  replaceModule('kafkajs/src/protocol/recordBatch/record/v0', recordEncoder)
  replaceModule('kafkajs/src/protocol/recordBatch/crc32C', () => crc32c)
}

function replaceModule<Original>(name: string, replacement: (original: Original) => Original): void {
  const original = load(name)
  const entry = load.cache[load.resolve(name)]
  if (typeof original !== 'function' || entry === undefined) throw notKnown(`${name} is missing`)
  entry.exports = replacement(original)
}
