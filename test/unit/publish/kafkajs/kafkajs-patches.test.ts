import { createRequire } from 'node:module'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkInternals, onThrottled, patchKafkaJs } from '../../../../connector/publish/kafkajs/kafkajs-patches.ts'

const load = createRequire(import.meta.url)
const RequestQueue = load('kafkajs/src/network/requestQueue')
const Runner = load('kafkajs/src/consumer/runner')
const BrokerPool = load('kafkajs/src/cluster/brokerPool')
const Encoder = load('kafkajs/src/protocol/encoder')
const Broker = load('kafkajs/src/broker')
const Cluster = load('kafkajs/src/cluster')
const createEosManager = load('kafkajs/src/producer/eosManager')
const silent = { debug: () => undefined, error: () => undefined, namespace: () => silent }

describe('patchKafkaJs', () => {
  it('fits the kafkajs that is installed, and may be called again', () => {
    patchKafkaJs()
    expect(() => patchKafkaJs()).not.toThrow()
  })

  it('gives the retries of InitProducerId a short first pause', () => {
    patchKafkaJs()
    const { retry } = Object.create(Cluster.prototype)
    expect(retry).toMatchObject({ initialRetryTime: 20, retries: 30 })
  })

  it('lets the error of a coordinator look-up through when every broker fails', async () => {
    patchKafkaJs()
    const pool = Object.create(BrokerPool.prototype, {
      brokers: { value: { 1: {}, 2: {} } },
      findBroker: { value: async () => ({}) },
    })
    const reason = new Error('not authorized')
    await expect(pool.withBroker(() => Promise.reject(reason))).rejects.toBe(reason)
    let calls = 0
    const secondAnswers = async () => {
      calls += 1
      if (calls === 1) throw reason
      return 'found'
    }
    expect(await pool.withBroker(secondAnswers)).toBe('found')
  })
})

describe('the request queue', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    patchKafkaJs()
  })
  afterEach(() => vi.useRealTimers())
  const newQueue = (clientId: string) =>
    new RequestQueue({
      maxInFlightRequests: 1,
      requestTimeout: 1000,
      enforceRequestTimeout: true,
      clientId,
      broker: 'b',
      logger: silent,
    })

  it('runs no timer while nothing waits', () => {
    newQueue('c').scheduleCheckPendingRequests()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends what waits when the throttling is over', () => {
    const queue = newQueue('c')
    const sent: number[] = []
    queue.maybeThrottle(500)
    const entry = { correlationId: 1, resolve: () => undefined, reject: () => undefined }
    queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(1) })
    vi.advanceTimersByTime(490)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(20)
    expect(sent).toEqual([1])
  })

  it('tells the listeners of its client how long a broker wants it to wait', () => {
    const heard: number[] = []
    const forget = onThrottled('shop.north', (pauseMs) => heard.push(pauseMs))
    newQueue('shop.north').maybeThrottle(120)
    newQueue('shop.south').maybeThrottle(130)
    newQueue('shop.north').maybeThrottle(0)
    newQueue('shop.north').maybeThrottle(null)
    forget()
    newQueue('shop.north').maybeThrottle(140)
    expect(heard).toEqual([120])
  })
})

describe('a consumer that is stopped while brokers come or go', () => {
  /** Two brokers, one of which has just gone; the fetch from the other is under way until `answer`. */
  async function whileBrokersChange() {
    patchKafkaJs()
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<never[]>()]
    let nodes = ['1', '2']
    let looks = 0
    const group = {
      ...{
        connect: async () => {},
        joinAndSync: async () => {},
        leave: vi.fn(async () => {}),
        heartbeat: async () => {},
      },
      getNodeIds: () => {
        looks += 1
        if (looks > 1_000) throw new Error('goes round and round') // in microtasks: no timer would ever fire
        return nodes
      },
      fetch: async (nodeId: string) => {
        if (nodeId === '2') asked.resolve()
        return nodeId === '2' ? await answered.promise : []
      },
    }
    const runner = new Runner({
      ...{ logger: silent, consumerGroup: group, instrumentationEmitter: { emit: () => {} }, concurrency: 1 },
      ...{ onCrash: () => {}, retry: { initialRetryTime: 1 }, eachMessage: async () => {} },
    })
    await runner.start()
    await asked.promise
    nodes = ['1']
    await nextTurn() // the change is seen
    return { runner, group, answer: () => answered.resolve([]), looks: () => looks }
  }

  it('ends, and leaves the group', async () => {
    const { runner, group, answer, looks } = await whileBrokersChange()
    const stopped = runner.stop()
    answer()
    await stopped
    expect(looks()).toBeLessThan(1_000)
    expect(group.leave).toHaveBeenCalledOnce()
  })
})

describe('checkInternals', () => {
  const known = { RequestQueue, Runner, Broker, BrokerPool, Encoder, createEosManager }

  it('throws when a method is not there that a patch replaces', () => {
    const changed = { prototype: { ...RequestQueue.prototype, checkPendingRequests: undefined } }
    expect(() => checkInternals({ ...known, RequestQueue: changed })).toThrow(/exactly version 2\.2\.4/)
  })

  it('throws when the transaction manager takes its retries from elsewhere', () => {
    expect(() => checkInternals({ ...known, createEosManager: () => ({}) })).toThrow(/cluster\.retry/)
  })
})
