import { setTimeout as delay } from 'node:timers/promises'
import { runningOn } from '../support/connector-process.ts'
import { holdsRequest } from '../support/servers/kafka-wire.ts'
import type { S3Exchange } from '../support/servers/s3-fault-proxy.ts'
import type { ChaosReplica } from './chaos-replica.ts'
import { type ChaosScene, replicaOf } from './chaos-scene.ts'
import { checkpointVersion } from './checkpoint-history.ts'
import type { ProcessFault } from './fault-plan.ts'

/**
 * The faults of other lanes may keep all replicas from working for half a minute. As long as the limit for the recovery
 * after the last fault: a fault misses only where the system does not work again.
 */
const REACHED_WITHIN_MS = 90_000

/** Waits for a replica to reach an injection point, and holds it there. */
interface Watch {
  readonly replica: ChaosReplica
  readonly reached: Promise<unknown>
  /** Stops watching; lets the request or response that was held back pass. */
  release(): void
}

/** A replica at the injection point of a fault. */
export type HeldReplica = Pick<Watch, 'replica' | 'release'> & {
  /** What `injectFault` resolves to. */
  readonly outcome: string
}

/** Waits until a replica reaches the injection point. If none does in time, holds nothing and reports it as outcome. */
export async function holdAtPoint(scene: ChaosScene, fault: ProcessFault): Promise<HeldReplica> {
  const { point } = fault
  const planned = { replica: replicaOf(scene, fault), release: () => {} }
  if (point === 'any') return { ...planned, outcome: planned.replica.name }
  const watches = scene.replicas.map(point === 'prepared' ? watchPrepare : watchCommit)
  const first = Promise.race(watches.map((watch) => watch.reached.then(() => watch)))
  const held = await Promise.race([first, delay(REACHED_WITHIN_MS)])
  for (const watch of watches) if (watch !== held) watch.release()
  if (held === undefined) return { ...planned, outcome: `not ${point} within ${REACHED_WITHIN_MS} ms` }
  return { ...held, outcome: `${point}: ${held.replica.name}` }
}

/**
 * A replica that runs streams, if possible the planned one: a fault on an unused link has no effect. Resolves to the
 * planned replica when no replica runs streams in time.
 */
export async function activeReplica(scene: ChaosScene, fault: { readonly replica: number }): Promise<ChaosReplica> {
  const planned = replicaOf(scene, fault)
  for (const lateAt = performance.now() + REACHED_WITHIN_MS; performance.now() < lateAt; await delay(200)) {
    const running = await Promise.all(scene.replicas.map(isRunningStreams))
    if (running[scene.replicas.indexOf(planned)]) return planned
    const other = scene.replicas[running.indexOf(true)]
    if (other !== undefined) return other
  }
  return planned
}

/** False for a replica that does not respond at once: it is paused or still starting. */
async function isRunningStreams(replica: ChaosReplica): Promise<boolean> {
  if (!replica.process().isRunning()) return false
  const streams = runningOn(replica.process()).catch(() => [])
  return (await Promise.race([streams, delay(500, [])])).length > 0
}

function watchPrepare(replica: ChaosReplica): Watch {
  const released = new AbortController()
  const isPrepare = (exchange: S3Exchange) => checkpointVersion(exchange)?.pending !== undefined
  const reached = replica.store.holdAnswer(isPrepare, released.signal)
  return { replica, reached, release: () => released.abort() }
}

function watchCommit(replica: ChaosReplica): Watch {
  const released = new AbortController()
  const reached = replica.links.kafka.map(async (proxy) => {
    await proxy.pauseAt(holdsRequest('endTxn'), released.signal)
    released.signal.addEventListener('abort', proxy.resume)
  })
  return { replica, reached: Promise.race(reached), release: () => released.abort() }
}
