import { setTimeout as delay } from 'node:timers/promises'
import { runningOn } from '../support/connector-process.ts'
import { holdsRequest } from '../support/servers/kafka-wire.ts'
import type { S3Exchange } from '../support/servers/s3-fault-proxy.ts'
import type { ChaosReplica } from './chaos-replica.ts'
import { type ChaosScene, replicaOf } from './chaos-scene.ts'
import { checkpointVersion } from './checkpoint-history.ts'
import type { Hit } from './fault-plan.ts'

const MOMENT_WITHIN_MS = 15_000

/** Looks out for a replica to be at a moment, and holds it there. */
interface Lookout {
  readonly replica: ChaosReplica
  readonly there: Promise<unknown>
  /** Ends looking out; lets what was held back come through. */
  letGo(): void
}

/** Waits until a replica is at the moment; when none comes, nothing is held, and the note says so. */
export async function untilMoment(scene: ChaosScene, fault: Hit): Promise<Omit<Lookout, 'there'> & { note: string }> {
  const { moment } = fault
  const planned = { replica: replicaOf(scene, fault), letGo: () => {} }
  if (moment === 'any') return { ...planned, note: planned.replica.name }
  const lookouts = scene.replicas.map(moment === 'prepared' ? untilPrepared : untilCommitting)
  const first = Promise.race(lookouts.map((lookout) => lookout.there.then(() => lookout)))
  const caught = await Promise.race([first, delay(MOMENT_WITHIN_MS)])
  for (const lookout of lookouts) if (lookout !== caught) lookout.letGo()
  if (caught === undefined) return { ...planned, note: `not ${moment} within ${MOMENT_WITHIN_MS} ms` }
  return { ...caught, note: `${moment}: ${caught.replica.name}` }
}

/** Whoever runs streams, the planned replica first; that one too when nobody does in time: a fault of a way that nobody uses is not felt. */
export async function whoRuns(scene: ChaosScene, fault: { readonly replica: number }): Promise<ChaosReplica> {
  const planned = replicaOf(scene, fault)
  for (const lateAt = performance.now() + MOMENT_WITHIN_MS; performance.now() < lateAt; await delay(200)) {
    const running = await Promise.all(scene.replicas.map(isRunningStreams))
    if (running[scene.replicas.indexOf(planned)]) return planned
    const other = scene.replicas[running.indexOf(true)]
    if (other !== undefined) return other
  }
  return planned
}

/** False for one that does not answer at once: it stands still, or is only just starting. */
async function isRunningStreams(replica: ChaosReplica): Promise<boolean> {
  if (!replica.process().isRunning()) return false
  const streams = runningOn(replica.process()).catch(() => [])
  return (await Promise.race([streams, delay(500, [])])).length > 0
}

function untilPrepared(replica: ChaosReplica): Lookout {
  const letGo = new AbortController()
  const isPrepare = (exchange: S3Exchange) => checkpointVersion(exchange)?.pending !== undefined
  return { replica, there: replica.store.holdAnswer(isPrepare, letGo.signal), letGo: () => letGo.abort() }
}

function untilCommitting(replica: ChaosReplica): Lookout {
  const letGo = new AbortController()
  const there = replica.ways.kafka.map(async (proxy) => {
    await proxy.pauseAt(holdsRequest('endTxn'), letGo.signal)
    letGo.signal.addEventListener('abort', proxy.resume)
  })
  return { replica, there: Promise.race(there), letGo: () => letGo.abort() }
}
