import { setTimeout as delay } from 'node:timers/promises'
import { holdsRequest } from '../support/servers/kafka-wire.ts'
import type { S3Fault } from '../support/servers/s3-fault-proxy.ts'
import type { TcpProxy } from '../support/servers/tcp-proxy.ts'
import type { ChaosReplica } from './chaos-replica.ts'
import { type ChaosScene, replicaOf } from './chaos-scene.ts'
import type { Fault, Hit, Way } from './fault-plan.ts'
import { moveLeaders } from './leader-move.ts'
import { untilMoment, whoRuns } from './moment.ts'

/** Resolves when the fault is over, to what is worth knowing of how it went: «not …» where it could not be had as planned. Throws where the surroundings, not the connector, fail. */
export async function injectFault(scene: ChaosScene, fault: Fault): Promise<string> {
  switch (fault.kind) {
    case 'kill':
      return await killReplica(scene, fault)
    case 'pause':
      return await pauseReplica(scene, fault)
    case 'skew clock':
      return await restartReplica(replicaOf(scene, fault), fault.skewMs)
    case 'restart replicas':
      return await eachInTurn(scene.replicas, (replica) => restartReplica(replica))
    case 'kill broker':
      await scene.kafka.kill(fault.broker)
      await delay(fault.forMs)
      await scene.kafka.start(fault.broker)
      return ''
    case 'move leaders':
      return await moveLeaders(scene.kafka.bootstrap)
    case 'restart brokers':
      return await eachInTurn(scene.brokers, async (broker) => {
        await scene.kafka.stop(broker)
        await scene.kafka.start(broker)
        return ''
      })
    case 'restart store':
      await scene.s3.stop()
      await scene.s3.start()
      return ''
    case 'cut':
      return await cut(await whoRuns(scene, fault), fault)
    case 'drop answers':
      return await dropAnswers(await whoRuns(scene, fault), fault)
    case 'slow store':
      return await slowStore(await whoRuns(scene, fault), fault)
  }
}

async function eachInTurn<Item>(items: readonly Item[], work: (item: Item) => Promise<string>): Promise<string> {
  const notes: string[] = []
  for (const item of items) notes.push(await work(item))
  return notes.filter((note) => note !== '').join('; ')
}

async function killReplica(scene: ChaosScene, fault: Hit): Promise<string> {
  const { replica, letGo, note } = await untilMoment(scene, fault)
  await replica.process().kill()
  letGo()
  await delay(fault.forMs)
  replica.start()
  return note
}

/** What was held back, as on a slow network, arrives when the process is awake again and somebody else has its streams. */
async function pauseReplica(scene: ChaosScene, fault: Hit): Promise<string> {
  const { replica, letGo, note } = await untilMoment(scene, fault)
  replica.process().signal('SIGSTOP')
  await delay(fault.forMs)
  letGo()
  replica.process().signal('SIGCONT')
  return note
}

/** SIGTERM, which a process answers with exit code 0 whatever else goes on, unless it was only just being loaded. */
async function restartReplica(replica: ChaosReplica, skewMs = 0): Promise<string> {
  const isLoaded = replica.process().output() !== ''
  const exitCode = await replica.process().stop(60_000)
  replica.start(skewMs)
  if (exitCode !== 0 && isLoaded) throw new Error(`${replica.name} was told to stop and ended with ${exitCode}`)
  return ''
}

/** Everything comes through again. */
export function forgetFaults({ ways, store }: ChaosReplica): void {
  store.clear()
  for (const proxy of Object.values(ways).flat()) {
    proxy.clear()
    proxy.resume()
    proxy.delay(0)
  }
}

async function cut(
  { ways }: ChaosReplica,
  { way, how, forMs }: { way: Way; how: 'refused' | 'silent'; forMs: number },
) {
  const proxies = ways[way]
  const note = feeling(proxies)
  if (how === 'silent') for (const proxy of proxies) proxy.pause()
  else await Promise.all(proxies.map((proxy) => proxy.down()))
  await delay(forMs)
  await Promise.all(proxies.map((proxy) => proxy.up()))
  for (const proxy of proxies) proxy.resume()
  return note()
}

/** Says later whether anything met what is done to the proxies from now on. */
function feeling(proxies: readonly TcpProxy[]): () => string {
  const sum = () => proxies.reduce((felt, proxy) => felt + proxy.felt(), 0)
  const before = sum()
  return () => (sum() > before ? `met ${sum() - before} times` : 'not felt: nothing was on its way')
}

const DROPS_WITHIN_MS = 5_000
const lostWrites: readonly S3Fault[] = [
  { kind: 'lose-answer' },
  { kind: 'hang-after' },
  { kind: 'answer-instead', status: 500 },
]

/** Answers to what took effect: the end of a transaction (one by each broker), three writes of a checkpoint, a page. */
async function dropAnswers(replica: ChaosReplica, { way }: { way: Way }): Promise<string> {
  const { ways, store } = replica
  let dropped = 0
  const drops = (
    way === 's3'
      ? lostWrites.map((fault) => store.next('PUT', fault))
      : ways[way].map((proxy) => proxy.dropAnswers(1, way === 'kafka' ? holdsRequest('endTxn') : undefined))
  ).map(async (drop) => {
    await drop
    dropped += 1
  })
  await Promise.race([Promise.all(drops), delay(DROPS_WITHIN_MS)])
  for (const faulty of [store, ...ways[way]]) faulty.clear()
  return dropped > 0 ? `${dropped} dropped` : 'not dropped: no request came'
}

async function slowStore({ ways }: ChaosReplica, { delayMs, forMs }: { delayMs: number; forMs: number }) {
  const note = feeling(ways.s3)
  for (const proxy of ways.s3) proxy.delay(delayMs)
  await delay(forMs)
  for (const proxy of ways.s3) proxy.delay(0)
  return note()
}
