import { setTimeout as delay } from 'node:timers/promises'
import type { CloseStack } from '../../connector/runtime/close-stack.ts'
import { faults, type PolarisSimulator, startPolarisSimulator } from '../../test/polaris/polaris-simulator.ts'
import { says, startConnector } from '../../test/support/connector-process.ts'
import { openTopic } from '../../test/support/topic-reader.ts'
import { cpuSecondsOf, memoryOf } from './process-usage.ts'
import { openRig, settingsOf, streamSettings } from './rig.ts'

const TOPIC = 'client.modified'
const ID = 'bench'
const LIMIT = 100
/** The last changes of a measurement count too. */
const ARRIVAL_MS = 30_000
const FIRST_LOAD_MS = 3_600_000

/** A connector that reads from a simulator with live changes, and when each change arrived in the topic. */
export async function openLiveRig(closing: CloseStack, clients: number, backfill: 'before' | 'beside') {
  const rig = await openRig(closing)
  await rig.admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 6 }] })
  const simulator = closing.use(await startPolarisSimulator({ clients }), (opened) => opened.close())
  const arrivals = closing.use(await watchArrivals(rig.brokers), (opened) => opened.close())
  const stream = streamSettings({ url: simulator.url, topic: TOPIC, output: 'json', limit: LIMIT })
  const settings = { ...settingsOf(rig, ID), ...stream, POLL_BACKFILL: backfill }
  const connector = startConnector(['run'], settings)
  closing.use(connector, (started) => started.kill())
  const changeFor = changesOf(simulator, arrivals.expect)
  const counts = async () => {
    const { totals } = await connector.status(() => true)
    return { read: totals?.clients ?? 0, events: arrivals.events(), cpu: cpuSecondsOf(connector.pid) }
  }
  return {
    caughtUp: () => connector.line(says('caught up'), FIRST_LOAD_MS),
    massUpdate: simulator.massUpdate,
    /** From here on, each response takes this long. */
    slowDown: (ms: number) => void simulator.faults.when(() => true, faults.latency(ms)),
    changeFor,
    /** Changes clients for so long; resolves to the latency of these changes, and to what was read. */
    measured: async (perSecond: number, seconds: number) => {
      arrivals.clear()
      const began = performance.now()
      const before = await counts()
      const changes = await changeFor(perSecond, seconds)
      const took = (performance.now() - began) / 1000
      const after = await counts()
      for (const until = performance.now() + ARRIVAL_MS; arrivals.waiting() > 0 && performance.now() < until; )
        await delay(50)
      return {
        changes,
        ...arrivals.latency(),
        readPerChange: changes === 0 ? 0 : (after.read - before.read) / changes,
        eventsPerSecond: (after.events - before.events) / took,
        cpuSecondsPerMinute: ((after.cpu - before.cpu) / took) * 60,
        ...memoryOf(connector.pid),
      }
    },
  }
}

/** Changes one client after another, `perSecond`, for `seconds`; resolves to how many. Each has a client of its own. */
function changesOf(simulator: PolarisSimulator, expect: (clientId: string, version: number) => void) {
  let position = 0
  return async (perSecond: number, seconds: number): Promise<number> => {
    const began = performance.now()
    let changes = 0
    while (performance.now() - began < seconds * 1000) {
      const due = ((performance.now() - began) / 1000) * perSecond
      for (; changes < due; changes += 1) {
        const id = simulator.clientIds[position++ % simulator.clientIds.length] ?? ''
        expect(id, simulator.change(id).version)
      }
      await delay(20)
    }
    return changes
  }
}

/** Reads the topic, and notes when the version of each changed client arrives. */
async function watchArrivals(brokers: string) {
  const expected = new Map<string, { version: number; changedAt: number }>()
  const closed = new AbortController()
  const reader = await openTopic(brokers, TOPIC)
  if (reader === undefined) throw new Error(`no topic ${TOPIC}`)
  let latencies: number[] = []
  let events = 0
  const reading = (async () => {
    while (!closed.signal.aborted) {
      for (const { key, text } of await reader.poll()) {
        events += 1
        const change = expected.get(key ?? '')
        if (change === undefined || !text.includes(`"NoVersion":"${change.version}"`)) continue
        latencies.push(performance.now() - change.changedAt)
        expected.delete(key ?? '')
      }
    }
  })()
  return {
    expect: (clientId: string, version: number) => {
      expected.set(clientId, { version, changedAt: performance.now() })
    },
    /** Drops the changes so far. */
    clear: () => {
      latencies = []
      expected.clear()
    },
    /** Changes whose event has not arrived. */
    waiting: () => expected.size,
    events: () => events,
    latency: () => {
      const sorted = latencies.toSorted((left, right) => left - right)
      const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
      return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), missing: expected.size }
    },
    close: async () => {
      closed.abort()
      await reading
    },
  }
}
