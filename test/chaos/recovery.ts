import { setTimeout as delay } from 'node:timers/promises'
import { runningOn } from '../support/connector-process.ts'
import { hasLastOfAll } from '../support/same-as-source.ts'
import type { TopicLog } from '../support/topic-log.ts'
import { type ChaosScene, topicOf } from './chaos-scene.ts'
import { eventsOf } from './checker.ts'
import { clearFaults } from './fault-injection.ts'
import { BROKERS } from './fault-plan.ts'

/** Removes every fault: when it resolves, all servers are running, all links are open and no replica is paused. */
export async function heal(scene: ChaosScene): Promise<void> {
  const { kafka, s3, replicas } = scene
  for (const replica of replicas) {
    clearFaults(replica)
    await Promise.all(Object.values(replica.links).flatMap((proxies) => proxies.map((proxy) => proxy.up())))
    replica.process().signal('SIGCONT')
  }
  await Promise.all([s3.start(), ...BROKERS.map((broker) => kafka.start(broker))])
}

/**
 * Waits until each stream runs on exactly one replica and its topic has the latest version of every client. Resolves to
 * the time it took in ms.
 */
export async function untilHealthy(scene: ChaosScene, log: TopicLog, withinMs: number): Promise<number> {
  const startedAt = performance.now()
  for (; ; await delay(500)) {
    await log.readOn()
    const misplaced = await misplacedStreams(scene)
    // Comparing reads all events, so it waits until every stream has one owner.
    const problems = misplaced.length > 0 ? misplaced : streamsBehind(scene, log)
    const tookMs = Math.round(performance.now() - startedAt)
    if (problems.length === 0) return tookMs
    if (tookMs > withinMs) throw new Error(`not healthy after ${tookMs} ms: ${problems.join(', ')}`)
  }
}

function streamsBehind({ streams, simulator }: ChaosScene, log: TopicLog): string[] {
  return streams.flatMap((stream) => {
    const logs = log.partitions.filter(({ topic }) => topic === topicOf(stream))
    const published = eventsOf(logs).events.map(({ key, partition, version }) => {
      return { key, partition, value: { data: { NoVersion: version } } }
    })
    const isComplete = logs.every(({ isAtEnd }) => isAtEnd) && hasLastOfAll(simulator.changes, published)
    return isComplete ? [] : [`${stream} is behind`]
  })
}

async function misplacedStreams({ streams, replicas }: ChaosScene): Promise<string[]> {
  const running = await Promise.all(
    replicas.map(async (replica) => {
      if (!replica.process().isRunning()) return []
      return await runningOn(replica.process()).catch(() => [])
    }),
  )
  return streams.flatMap((stream) => {
    const count = running.flat().filter((name) => name === stream).length
    return count === 1 ? [] : [`${stream} runs on ${count} replicas`]
  })
}
