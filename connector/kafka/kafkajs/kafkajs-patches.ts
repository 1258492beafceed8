import { registerCodecs } from './compression-codecs.ts'
import { produceRequest } from './produce-request.ts'
import { Encoder, load } from './requests.ts'

/** The only version whose internals these patches fit. */
const knownVersion = '2.2.4'

let isPatched = false

/** Patches kafkajs once per process, before its first use. Throws a plain Error if it is not the known version. */
export function patchKafkaJs(): void {
  if (isPatched) return
  const { version } = load('kafkajs/package.json')
  if (version !== knownVersion)
    throw new Error(`unsupported kafkajs ${version}: this connector needs exactly version ${knownVersion}`)
  stopIdleTimers(prototypeOf('network/requestQueue'))
  endStoppedFetchers(prototypeOf('consumer/runner'))
  shortenInitRetries(prototypeOf('cluster'))
  keepCoordinatorErrors(prototypeOf('cluster/brokerPool'))
  replaceModule('kafkajs/src/protocol/requests/produce/v3/request', produceRequest)
  replaceModule('kafkajs/src/protocol/requests/metadata/v6/request', usedTopicsOnly)
  prependHeaders(prototypeOf('protocol/encoder'))
  registerCodecs()
  isPatched = true
}

const prototypeOf = (module: string) => load(`kafkajs/src/${module}`).prototype

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

/**
 * Lets a connection run its timer only while requests wait. In the original, every connection runs a timer each
 * millisecond, even when idle: 4-6 % of a core.
 */
function stopIdleTimers(queue: RequestQueue) {
  queue.scheduleCheckPendingRequests = function schedule(this: RequestQueue) {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
    const pauseMs = Math.max(this.throttledUntil - Date.now(), 10)
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, pauseMs)
  }
}

interface Runner {
  readonly running: boolean
  fetch(nodeId: string): Promise<unknown[]>
}

/**
 * Ends the fetchers of a consumer that was stopped. When a broker joins or leaves, a consumer replaces its fetchers,
 * even if it is being stopped. In the original, fetches of a stopped consumer return at once, so the new fetchers loop
 * forever in microtasks and the process no longer handles timers, sockets or signals.
 */
function endStoppedFetchers(runner: Runner) {
  const original = runner.fetch
  runner.fetch = async function fetch(this: Runner, nodeId) {
    if (!this.running) throw new Error('the consumer was stopped') // ends the fetcher; stopping continues
    return await original.call(this, nodeId)
  }
}

/**
 * Shortens the retries of InitProducerId, which no setting reaches: over an open transaction it then takes tens of ms
 * instead of 300 or more.
 */
function shortenInitRetries(cluster: object) {
  const retry = { initialRetryTime: 20, maxRetryTime: 500, retries: 30, factor: 0.2, multiplier: 2 }
  Object.defineProperty(cluster, 'retry', { get: () => retry, set: () => undefined })
}

interface BrokerPool {
  withBroker(work: (on: { nodeId: string; broker: unknown }) => Promise<unknown>): Promise<unknown>
}

/**
 * Rejects with the error of a coordinator lookup. The original swallows it, missing ACLs included, and returns null.
 */
function keepCoordinatorErrors(pool: BrokerPool) {
  const original = pool.withBroker
  pool.withBroker = async function withBroker(this: BrokerPool, work) {
    let failed: Promise<unknown> | undefined
    const result = await original.call(this, (on) => {
      failed = work(on)
      return failed
    })
    return result === null && failed !== undefined ? await failed : result
  }
}

interface RequestEncoder {
  buf: Buffer
  offset: number
  room?: number
  writeEncoder(body: Body): RequestEncoder
}

type Body = Pick<RequestEncoder, 'room'> & { readonly buffer: Buffer }

/**
 * Writes a header of a request into the room before the body, if the body has room. In the original, each of the two
 * headers copies the body into a zeroed buffer of up to twice the size.
 */
function prependHeaders(encoder: RequestEncoder) {
  const original = encoder.writeEncoder
  encoder.writeEncoder = function prepend(this: RequestEncoder, body) {
    const { buf, offset } = this
    const { buffer, room = 0 } = body
    if (room === 0 || room < offset) return original.call(this, body)
    const whole = Buffer.from(buffer.buffer, buffer.byteOffset - offset, offset + buffer.length)
    buf.copy(whole, 0, 0, offset)
    return Object.assign(this, { buf: whole, offset: whole.length, room: room - offset })
  }
}

/**
 * Takes an empty list of topics for none. In the original, it means all topics of the cluster, and a partition of any
 * of them without a leader makes the request fail.
 */
function usedTopicsOnly(original: (order: MetadataOrder) => object): (order: MetadataOrder) => object {
  const encode = async ({ topics }: MetadataOrder) => new Encoder().writeArray(topics).writeBoolean(false) // the request creates no topic
  return (order) => ({ ...original(order), encode: () => encode(order) })
}

interface MetadataOrder {
  readonly topics: readonly string[]
}

/**
 * Replaces a module. It must run before kafkajs loads the module: that of a request is loaded when kafkajs sends the
 * first one.
 */
function replaceModule<Original>(name: string, replacement: (original: Original) => Original) {
  const original = load(name)
  const entry = load.cache[load.resolve(name)]
  if (entry !== undefined) entry.exports = replacement(original)
}
