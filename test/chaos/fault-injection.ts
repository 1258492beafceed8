import { setTimeout as delay } from 'node:timers/promises'
import type { S3Fault } from '../support/servers/faulty-s3.ts'
import { holdsRequest } from '../support/servers/kafka-wire.ts'
import type { TcpProxy } from '../support/servers/tcp-proxy.ts'
import type { ChaosReplica } from './chaos-replica.ts'
import { type ChaosScene, replicaOf } from './chaos-scene.ts'
import { BROKERS, type Fault, type Link, type ProcessFault } from './fault-plan.ts'
import { activeReplica, holdAtPoint } from './injection-point.ts'
import { deleteClients, erase, pauseStream, republish } from './operator-actions.ts'

/**
 * Resolves when the fault is over, to a short outcome. The outcome starts with `not ` if the fault could not be injected
 * as planned. Rejects if a test server fails.
 */
export async function injectFault(scene: ChaosScene, fault: Fault): Promise<string> {
  switch (fault.kind) {
    case 'kill':
      return await killReplica(scene, fault)
    case 'pause':
      return await pauseReplica(scene, fault)
    case 'skew clock':
      return await restartReplica(replicaOf(scene, fault), fault.skewMs)
    case 'restart replicas':
      return await oneByOne(scene.replicas, (replica) => restartReplica(replica))
    case 'kill broker':
      await scene.kafka.kill(fault.broker)
      await delay(fault.forMs)
      await scene.kafka.start(fault.broker)
      return ''
    case 'restart brokers':
      return await oneByOne(BROKERS, async (broker) => {
        await scene.kafka.stop(broker)
        await scene.kafka.start(broker)
        return ''
      })
    case 'restart store':
      if (scene.s3.kind === 'moto') return 'not possible: moto keeps no objects; install Go for versitygw'
      await scene.s3.stop()
      await scene.s3.start()
      return ''
    case 'cut':
      return await cut(await activeReplica(scene, fault), fault)
    case 'drop responses':
      return await dropResponses(await activeReplica(scene, fault), fault)
    case 'slow store':
      return await slowStore(await activeReplica(scene, fault), fault)
    case 'erase':
      return await erase(scene, fault)
    case 'republish':
      return await republish(scene, fault)
    case 'pause stream':
      return await pauseStream(scene, fault)
    case 'delete clients':
      return await deleteClients(scene, fault)
  }
}

async function oneByOne<Item>(items: readonly Item[], work: (item: Item) => Promise<string>): Promise<string> {
  const outcomes: string[] = []
  for (const item of items) outcomes.push(await work(item))
  return outcomes.filter((outcome) => outcome !== '').join('; ')
}

async function killReplica(scene: ChaosScene, fault: ProcessFault): Promise<string> {
  const { replica, release, outcome } = await holdAtPoint(scene, fault)
  await replica.process().kill()
  release()
  await delay(fault.forMs)
  replica.start()
  return outcome
}

/** The request or response that was held back arrives when the process resumes and another replica has its streams. */
async function pauseReplica(scene: ChaosScene, fault: ProcessFault): Promise<string> {
  const { replica, release, outcome } = await holdAtPoint(scene, fault)
  replica.process().signal('SIGSTOP')
  await delay(fault.forMs)
  release()
  replica.process().signal('SIGCONT')
  return outcome
}

/** Sends SIGTERM, on which a process must always exit with 0, unless it is still loading its code. */
async function restartReplica(replica: ChaosReplica, skewMs = 0): Promise<string> {
  const isLoaded = replica.process().output() !== ''
  const exitCode = await replica.process().stop(60_000)
  replica.start(skewMs)
  if (exitCode !== 0 && isLoaded) throw new Error(`${replica.name} exited with ${exitCode} after SIGTERM`)
  return ''
}

/** Removes the faults on the links of a replica. */
export function clearFaults({ links, store }: ChaosReplica): void {
  store.clear()
  for (const proxy of Object.values(links).flat()) {
    proxy.clear()
    proxy.resume()
    proxy.delay(0)
  }
}

async function cut(
  { links }: ChaosReplica,
  { link, how, forMs }: { link: Link; how: 'refused' | 'silent'; forMs: number },
) {
  const proxies = links[link]
  const outcome = watchEffect(proxies)
  if (how === 'silent') for (const proxy of proxies) proxy.pause()
  else await Promise.all(proxies.map((proxy) => proxy.down()))
  await delay(forMs)
  await Promise.all(proxies.map((proxy) => proxy.up()))
  for (const proxy of proxies) proxy.resume()
  return outcome()
}

/** Returns a function that reports whether traffic was affected since this call. */
function watchEffect(proxies: readonly TcpProxy[]): () => string {
  const sum = () => proxies.reduce((total, proxy) => total + proxy.affected(), 0)
  const before = sum()
  return () => (sum() > before ? `affected traffic ${sum() - before} times` : 'not effective: no traffic')
}

const DROPS_WITHIN_MS = 5_000
const lostWrites: readonly S3Fault[] = [
  { kind: 'lose-answer' },
  { kind: 'hang-after' },
  { kind: 'answer-instead', status: 500, code: 'InternalError' },
]

/** Drops responses after the request took effect: a commit (one per broker), three checkpoint writes, or a page. */
async function dropResponses(replica: ChaosReplica, { link }: { link: Link }): Promise<string> {
  const { links, store } = replica
  let dropped = 0
  const drops = (
    link === 's3'
      ? lostWrites.map((fault) => store.next('PUT', fault))
      : links[link].map((proxy) => proxy.dropAnswers(1, link === 'kafka' ? holdsRequest('endTxn') : undefined))
  ).map(async (drop) => {
    await drop
    dropped += 1
  })
  await Promise.race([Promise.all(drops), delay(DROPS_WITHIN_MS)])
  for (const faulty of [store, ...links[link]]) faulty.clear()
  return dropped > 0 ? `${dropped} dropped` : 'not dropped: no request'
}

async function slowStore({ links }: ChaosReplica, { delayMs, forMs }: { delayMs: number; forMs: number }) {
  const outcome = watchEffect(links.s3)
  for (const proxy of links.s3) proxy.delay(delayMs)
  await delay(forMs)
  for (const proxy of links.s3) proxy.delay(0)
  return outcome()
}
