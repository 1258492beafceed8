import { setTimeout as delay } from 'node:timers/promises'
import { runningOn } from '../support/connector-process.ts'
import { hasLastOfAll } from '../support/same-as-source.ts'
import { type ChaosScene, topicOf } from './chaos-scene.ts'
import { eventsOf } from './checker.ts'
import { forgetFaults } from './fault-injection.ts'
import type { TopicLog } from './topic-log.ts'

/** Ends whatever a fault may have left behind: everything serves and every way is open when it resolves. */
export async function heal({ kafka, brokers, s3, replicas }: ChaosScene): Promise<void> {
  for (const replica of replicas) {
    forgetFaults(replica)
    await Promise.all(Object.values(replica.ways).flatMap((proxies) => proxies.map((proxy) => proxy.up())))
    replica.process().signal('SIGCONT')
  }
  await Promise.all([s3.start(), ...brokers.map((broker) => kafka.start(broker))])
}

/** Waits until each stream runs on exactly one replica and its topic has the last version of every client; resolves to how long it took. */
export async function untilCalm(scene: ChaosScene, log: TopicLog, withinMs: number): Promise<number> {
  const startedAt = performance.now()
  for (; ; await delay(500)) {
    await log.readOn()
    const unshared = await notShared(scene)
    const wrong = unshared.length > 0 ? unshared : behind(scene, log) // the latter reads all events
    const tookMs = Math.round(performance.now() - startedAt)
    if (wrong.length === 0) return tookMs
    if (tookMs > withinMs) throw new Error(`not calm after ${tookMs} ms: ${wrong.join(', ')}`)
  }
}

function behind({ streams, simulator }: ChaosScene, log: TopicLog): string[] {
  return streams.flatMap((stream) => {
    const logs = log.partitions.filter(({ topic }) => topic === topicOf(stream))
    const told = eventsOf(logs).events.map(({ key, partition, version }) => {
      return { key, partition, value: { data: { NoVersion: version } } }
    })
    const isDone = logs.every(({ isAtEnd }) => isAtEnd) && hasLastOfAll(simulator.changes, told)
    return isDone ? [] : [`${stream} is behind`]
  })
}

async function notShared({ streams, replicas }: ChaosScene): Promise<string[]> {
  const running = await Promise.all(
    replicas.map(async (replica) => {
      if (!replica.process().isRunning()) return []
      return await runningOn(replica.process()).catch(() => [])
    }),
  )
  return streams.flatMap((stream) => {
    const times = running.flat().filter((one) => one === stream).length
    return times === 1 ? [] : [`${stream} runs ${times} times`]
  })
}
