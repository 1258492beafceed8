import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { longestSilenceMs, movesSince, ownersOf } from './parts/moves.ts'
import { type Outcome, tableOfOutcomes, told } from './parts/outcome.ts'
import { openReplicaRig, type Replica, type ReplicaRig } from './parts/replica-rig.ts'

/**
 * What each failure costs: three built replicas, 12 streams in the middle of a drain, a real broker and S3 server, everything by default.
 * `npm run bench:replicas -- [--rounds 10] [--json] [--logs FOLDER]`
 */

/** The three; whatever happens, happens to the last, whose way to Kafka leads through the proxy. */
type Three = [Replica, Replica, Replica]

interface Cause {
  readonly name: string
  /** Brings it about; the moment before is the cause. Resolves to the three for the next one. */
  readonly happen: (rig: ReplicaRig, three: Three) => Promise<Three> | Three
  /** How many replicas share the streams then. */
  readonly leaves: 2 | 3
}

/** A round: each cause leaves what the next one needs. */
const causes: readonly Cause[] = [
  { name: 'SIGTERM', leaves: 2, happen: signal('SIGTERM') },
  { name: 'a replica is added', leaves: 3, happen: addOne },
  { name: 'kill -9', leaves: 2, happen: signal('SIGKILL') },
  { name: 'a replica is added', leaves: 3, happen: addOne },
  { name: 'a process hangs (SIGSTOP)', leaves: 2, happen: signal('SIGSTOP') },
  { name: 'it wakes up (SIGCONT)', leaves: 3, happen: signal('SIGCONT') },
  { name: 'the network to Kafka falls silent', leaves: 2, happen: network('pause') },
  { name: 'the network is back', leaves: 3, happen: network('resume') },
  { name: 'the only broker is killed and started', leaves: 3, happen: restartBroker },
]

/** The group finds together again: what happens meanwhile would measure the restart of the broker too. */
const AFTER_BROKER_MS = 10_000

function signal(name: NodeJS.Signals): Cause['happen'] {
  return (_, three) => {
    three[2].process.signal(name)
    return three
  }
}

function addOne(rig: ReplicaRig, [first, second]: Three): Three {
  return [first, second, rig.start('proxied')]
}

function network(what: 'pause' | 'resume'): Cause['happen'] {
  return ({ kafka }, three) => {
    kafka.proxies[0]?.[what]()
    return three
  }
}

async function restartBroker({ kafka }: ReplicaRig, three: Three): Promise<Three> {
  await kafka.kill(1)
  await kafka.start(1)
  return three
}

async function measure(rig: ReplicaRig, three: Three, cause: Cause): Promise<{ outcome: Outcome; left: Three }> {
  const before = ownersOf(rig.history().claims)
  const at = Date.now()
  const left = await cause.happen(rig, three)
  await untilCalm(rig, left.slice(0, cause.leaves))
  const after = ownersOf(rig.history().claims)
  const streams = rig.streams.filter((stream) => before.get(stream) !== after.get(stream))
  const stayed = rig.streams.filter((stream) => !streams.includes(stream))
  const moves = () => movesSince(rig.history(), { at, before }, streams)
  await until(`${cause.name}: the successors publish`, () => moves() !== undefined)
  const { claims, seen } = rig.history()
  const outcome = {
    cause: cause.name,
    moves: moves() ?? [],
    again: rig.readAgain(streams, at - 1_000),
    stayed: {
      openings: claims.filter((claim) => claim.at >= at && stayed.includes(claim.stream)).length,
      silentMs: Math.max(0, ...stayed.map((stream) => longestSilenceMs(seen.get(stream) ?? [], at))),
    },
  }
  return { outcome, left }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '10' },
      logs: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const rig = await openReplicaRig({ logs: values.logs })
  const outcomes: Outcome[] = []
  const print = () => console.log(values.json ? JSON.stringify(outcomes, null, 2) : tableOfOutcomes(outcomes))
  const leave = () => {
    print()
    void rig.close().finally(() => process.exit(130))
  }
  process.once('SIGINT', leave).once('SIGTERM', leave)
  try {
    let three: Three = [rig.start('direct'), rig.start('direct'), rig.start('proxied')]
    await untilCalm(rig, three)
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      for (const cause of causes) {
        const { outcome, left } = await measure(rig, three, cause)
        outcomes.push(outcome)
        console.error(`${round}: ${told(outcome)}; load ${loadavg()[0]?.toFixed(1)}`)
        three = left
      }
      await delay(AFTER_BROKER_MS)
    }
    print()
  } finally {
    await rig.close()
  }
}

/** Waits until the replicas share the streams evenly and all of these flow, and then for any moment of their heartbeats. */
async function untilCalm(rig: ReplicaRig, replicas: readonly Replica[]): Promise<void> {
  const since = Date.now()
  await until('calm', () => {
    const { claims, seen } = rig.history()
    const owners = [...ownersOf(claims).values()]
    const isEven = replicas.every(
      ({ name }) => owners.filter((owner) => owner === name).length === rig.streams.length / replicas.length,
    )
    return isEven && rig.streams.every((stream) => (seen.get(stream)?.at(-1)?.at ?? 0) > since)
  })
  await delay(500 + Math.random() * 1_000)
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 90_000
  while (!isSo()) {
    if (performance.now() > giveUpAt) throw new Error(`not within 90 s: ${what}`)
    await delay(20)
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
