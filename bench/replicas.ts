import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { manyStreams } from './parts/many-streams.ts'
import { lineOf, type Outcome, tableOfOutcomes } from './parts/outcome.ts'
import { longestSilenceMs, ownersOf, takeoversSince } from './parts/rebalances.ts'
import { openReplicaRig, type Replica, type ReplicaRig } from './parts/replica-rig.ts'

/**
 * Measures the cost of each failure: three built replicas with default settings, 12 streams in the middle of a scan,
 * a real broker and a real S3 server.
 * `npm run bench:replicas -- [--rounds 10] [--json] [--logs FOLDER]`
 *
 * With `--many STREAMS [--replicas 1] [--seconds 20] [--cpu PERCENT] [--logs FOLDER]`, measures what many streams with
 * nothing to publish cost instead: time until all are open, memory, CPU, failures; also when one of several replicas is
 * killed. `--cpu` limits each replica to so much of a core.
 */

/** Two replicas that keep running, and a third that each cause affects; it connects to Kafka through the proxy. */
type Replicas = [Replica, Replica, Replica]

interface Cause {
  readonly name: string
  /** Triggers the cause. Resolves to the replicas for the next one. */
  readonly apply: (rig: ReplicaRig, replicas: Replicas) => Promise<Replicas> | Replicas
  /** How many replicas share the streams afterwards. */
  readonly remaining: 2 | 3
}

/** One round. Each cause leaves the replicas in the state that the next one needs. */
const causes: readonly Cause[] = [
  { name: 'SIGTERM', remaining: 2, apply: signal('SIGTERM') },
  { name: 'replica added', remaining: 3, apply: addOne },
  { name: 'kill -9', remaining: 2, apply: signal('SIGKILL') },
  { name: 'replica added', remaining: 3, apply: addOne },
  { name: 'process paused (SIGSTOP)', remaining: 2, apply: signal('SIGSTOP') },
  { name: 'process resumed (SIGCONT)', remaining: 3, apply: signal('SIGCONT') },
  { name: 'network to Kafka silent', remaining: 2, apply: network('pause') },
  { name: 'network restored', remaining: 3, apply: network('resume') },
  { name: 'only broker killed and restarted', remaining: 3, apply: restartBroker },
]

/** Lets the group rejoin after the broker restart, so that the next cause does not measure that restart too. */
const AFTER_BROKER_MS = 10_000

function signal(name: NodeJS.Signals): Cause['apply'] {
  return (_, replicas) => {
    replicas[2].process.signal(name)
    return replicas
  }
}

function addOne(rig: ReplicaRig, [first, second]: Replicas): Replicas {
  return [first, second, rig.start('proxied')]
}

function network(what: 'pause' | 'resume'): Cause['apply'] {
  return ({ kafka }, replicas) => {
    kafka.proxies[0]?.[what]()
    return replicas
  }
}

async function restartBroker({ kafka }: ReplicaRig, replicas: Replicas): Promise<Replicas> {
  await kafka.kill(1)
  await kafka.start(1)
  return replicas
}

async function measure(
  rig: ReplicaRig,
  replicas: Replicas,
  cause: Cause,
): Promise<{ outcome: Outcome; next: Replicas }> {
  const before = ownersOf(rig.history().claims)
  const at = Date.now()
  const next = await cause.apply(rig, replicas)
  await untilBalanced(rig, next.slice(0, cause.remaining))
  const after = ownersOf(rig.history().claims)
  const streams = rig.streams.filter((stream) => before.get(stream) !== after.get(stream))
  const others = rig.streams.filter((stream) => !streams.includes(stream))
  const takeovers = () => takeoversSince(rig.history(), { at, before }, streams)
  await until(`${cause.name}: the successors publish`, () => takeovers() !== undefined)
  const { claims, seen } = rig.history()
  const outcome = {
    cause: cause.name,
    takeovers: takeovers() ?? [],
    repeated: rig.repeatedReads(streams, at - 1_000),
    others: {
      openings: claims.filter((claim) => claim.at >= at && others.includes(claim.stream)).length,
      silentMs: Math.max(0, ...others.map((stream) => longestSilenceMs(seen.get(stream) ?? [], at))),
    },
  }
  return { outcome, next }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '10' },
      logs: { type: 'string' },
      json: { type: 'boolean', default: false },
      many: { type: 'string' },
      replicas: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '20' },
      cpu: { type: 'string' },
    },
  })
  const { logs, json } = values
  if (values.many === undefined) return await costs({ rounds: Number(values.rounds), logs, json })
  const many = { streams: Number(values.many), replicas: Number(values.replicas), seconds: Number(values.seconds) }
  const cpu = values.cpu === undefined ? undefined : Number(values.cpu)
  for await (const figures of manyStreams({ ...many, cpu, logs })) console.log(JSON.stringify(figures, rounded))
}

const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Math.round(value * 1000) / 1000 : value)

interface CostOptions {
  readonly rounds: number
  readonly logs: string | undefined
  readonly json: boolean
}

async function costs({ rounds, logs, json }: CostOptions): Promise<void> {
  const rig = await openReplicaRig({ logs })
  const outcomes: Outcome[] = []
  const print = () => console.log(json ? JSON.stringify(outcomes, null, 2) : tableOfOutcomes(outcomes))
  const interrupt = () => {
    print()
    void rig.close().finally(() => process.exit(130))
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    let replicas: Replicas = [rig.start('direct'), rig.start('direct'), rig.start('proxied')]
    await untilBalanced(rig, replicas)
    for (let round = 1; round <= rounds; round += 1) {
      for (const cause of causes) {
        const { outcome, next } = await measure(rig, replicas, cause)
        outcomes.push(outcome)
        console.error(`${round}: ${lineOf(outcome)}; load ${loadavg()[0]?.toFixed(1)}`)
        replicas = next
      }
      await delay(AFTER_BROKER_MS)
    }
    print()
  } finally {
    await rig.close()
  }
}

/**
 * Waits until the replicas share the streams evenly and every stream publishes. Then waits for a random time, so that a
 * cause hits any point of the heartbeat interval.
 */
async function untilBalanced(rig: ReplicaRig, replicas: readonly Replica[]): Promise<void> {
  const since = Date.now()
  await until('streams evenly shared and publishing', () => {
    const { claims, seen } = rig.history()
    const owners = [...ownersOf(claims).values()]
    const isEven = replicas.every(
      ({ name }) => owners.filter((owner) => owner === name).length === rig.streams.length / replicas.length,
    )
    return isEven && rig.streams.every((stream) => (seen.get(stream)?.at(-1)?.at ?? 0) > since)
  })
  await delay(500 + Math.random() * 1_000)
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 90_000
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`timed out after 90 s: ${what}`)
    await delay(20)
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
