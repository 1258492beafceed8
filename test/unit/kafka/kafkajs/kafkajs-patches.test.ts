import { createRequire } from 'node:module'
import { setImmediate as nextMacrotask } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { patchKafkaJs } from '../../../../connector/kafka/kafkajs/kafkajs-patches.ts'

// The internals of kafkajs run alone after they were patched.

const load = createRequire(import.meta.url)
const RequestQueue = load('kafkajs/src/network/requestQueue')
const Runner = load('kafkajs/src/consumer/runner')
const BrokerPool = load('kafkajs/src/cluster/brokerPool')
const Cluster = load('kafkajs/src/cluster')
const silent = { debug: () => undefined, error: () => undefined, namespace: () => silent }

describe('patchKafkaJs', () => {
  test('shortens the first pause before a retry of InitProducerId', () => {
    patchKafkaJs()
    expect(Cluster.prototype.retry).toMatchObject({ initialRetryTime: 20, retries: 30 })
  })

  test('throws the error of a coordinator lookup when every broker fails', async () => {
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
  const newQueue = () =>
    new RequestQueue({
      maxInFlightRequests: 1,
      requestTimeout: 1000,
      enforceRequestTimeout: true,
      clientId: 'c',
      broker: 'b',
      logger: silent,
    })

  test('runs no timer while no request is pending', () => {
    newQueue().scheduleCheckPendingRequests()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sends pending requests when the throttle time ends', () => {
    const queue = newQueue()
    const sent: number[] = []
    queue.maybeThrottle(500)
    const entry = { correlationId: 1, resolve: () => undefined, reject: () => undefined }
    queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(1) })
    vi.advanceTimersByTime(490)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(20)
    expect(sent).toEqual([1])
  })
})

describe('a consumer that is stopped while brokers join or leave', () => {
  /** Two brokers, one of which has just left; the fetch from the other is in flight until `answer` is called. */
  async function whileBrokersChange() {
    patchKafkaJs()
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<never[]>()
    let nodes = ['1', '2']
    let looks = 0
    const group = {
      connect: async () => {},
      joinAndSync: async () => {},
      leave: vi.fn(async () => {}),
      heartbeat: async () => {},
      getNodeIds: () => {
        looks += 1
        if (looks > 1_000) throw new Error('endless loop') // in microtasks: a timeout would never fire
        return nodes
      },
      fetch: async (nodeId: string) => {
        if (nodeId === '2') asked.resolve()
        return nodeId === '2' ? await answered.promise : []
      },
    }
    const runner = new Runner({
      logger: silent,
      consumerGroup: group,
      instrumentationEmitter: { emit: () => {} },
      concurrency: 1,
      onCrash: () => {},
      retry: { initialRetryTime: 1 },
      eachMessage: async () => {},
    })
    await runner.start()
    await asked.promise
    nodes = ['1']
    await nextMacrotask() // the consumer notices the change
    return { runner, group, answer: () => answered.resolve([]), looks: () => looks }
  }

  test('stops and leaves the group', async () => {
    const { runner, group, answer, looks } = await whileBrokersChange()
    const stopped = runner.stop()
    answer()
    await stopped
    expect(looks()).toBeLessThan(1_000)
    expect(group.leave).toHaveBeenCalledOnce()
  })
})
