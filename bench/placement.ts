import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type KafkaCluster, startKafka } from '../test/support/servers/kafka-broker.ts'

/** How fast the slots move: three replicas, processes of their own, 24 streams, one broker. `node bench/placement.ts [rounds] [part of a name]` */

const streams = Array.from({ length: 24 }, (_, number) => `stream-${number}`)

interface Member {
  readonly process: ChildProcess
  has: number
}

function startMember(kafka: KafkaCluster, group: string): Member {
  const script = fileURLToPath(new URL('parts/placement-member.ts', import.meta.url))
  const child = spawn(process.execPath, [script, kafka.bootstrap, group, streams.join()], {
    stdio: ['ignore', 'pipe', process.env.VERBOSE === undefined ? 'ignore' : 'inherit'],
  })
  const member: Member = { process: child, has: 0 }
  createInterface({ input: child.stdout }).on('line', (line) => {
    member.has = Number(line)
    for (const listener of listeners) listener()
  })
  return member
}

const listeners = new Set<() => void>()

/** Milliseconds until the members have all streams between them, each some; rejects after a minute. */
async function untilShared(members: readonly Member[]): Promise<number> {
  const startedAt = performance.now()
  const isShared = () =>
    members.every(({ has }) => has > 0) && members.reduce((sum, { has }) => sum + has, 0) === streams.length
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = () => isShared() && resolve()
  const timer = setTimeout(() => reject(new Error(`has ${members.map(({ has }) => has)} after a minute`)), 60_000)
  listeners.add(look)
  look()
  await promise.finally(() => listeners.delete(look))
  clearTimeout(timer)
  return performance.now() - startedAt
}

/** Joining sets the rhythm of the heartbeats: whatever comes, comes at any moment of it. */
const anyMoment = () => delay(Math.random() * 1_000)

async function kill(member: Member, signal: NodeJS.Signals): Promise<void> {
  member.process.kill(signal)
  if (member.process.exitCode === null && member.process.signalCode === null) await once(member.process, 'exit')
}

type Measure = (kafka: KafkaCluster, three: readonly [Member, Member, Member], group: string) => Promise<number>

/** Each begins with three members and ends with whoever is left; the caller fills up. */
const measures: Readonly<Record<string, Measure>> = {
  'a replica joins two (from its start, process included)': async (kafka, [first, second, third], group) => {
    await kill(third, 'SIGTERM')
    await untilShared([first, second])
    await anyMoment()
    const next = startMember(kafka, group)
    const tookMs = await untilShared([first, second, next])
    await kill(next, 'SIGTERM')
    return tookMs
  },
  'SIGTERM of one of three → the others have its slots': async (_, [first, second, third]) => {
    third.process.kill('SIGTERM')
    return untilShared([first, second])
  },
  'kill -9 of one of three → the others have its slots': async (_, [first, second, third]) => {
    third.process.kill('SIGKILL')
    return untilShared([first, second])
  },
}

/** Measures that take long or disturb everybody, with a third of the rounds. */
const rareMeasures: Readonly<Record<string, Measure>> = {
  'SIGSTOP of one of three → the others have its slots': async (_, [first, second, third]) => {
    third.process.kill('SIGSTOP')
    const tookMs = await untilShared([first, second])
    third.process.kill('SIGKILL')
    return tookMs
  },
  'SIGCONT of a replica that was replaced → all three share again': async (_, three) => {
    const [first, second, third] = three
    third.process.kill('SIGSTOP')
    await untilShared([first, second])
    third.has = 0
    third.process.kill('SIGCONT')
    return untilShared(three)
  },
  'the only broker killed and started again → all three share again': async (kafka, three) => {
    await kafka.kill(1)
    for (const member of three) member.has = 0
    await kafka.start(1)
    return untilShared(three)
  },
}

async function measure(kafka: KafkaCluster, one: Measure, rounds: number): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const group = randomUUID()
    const three = [startMember(kafka, group), startMember(kafka, group), startMember(kafka, group)] as const
    try {
      await untilShared(three)
      await anyMoment()
      times.push(await one(kafka, three, group))
    } finally {
      await Promise.all(three.map((member) => kill(member, 'SIGKILL')))
    }
  }
  return times.sort((first, second) => first - second)
}

function line(name: string, times: readonly number[]): string {
  const at = (share: number) => ((times[Math.round(share * (times.length - 1))] ?? 0) / 1000).toFixed(2)
  return `| ${name} | ${times.length} | ${at(0)} | ${at(0.5)} | ${at(0.9)} | ${at(1)} |`
}

const [roundsText = '10', wanted = ''] = process.argv.slice(2)
const rounds = Number(roundsText)
const chosen = (some: Readonly<Record<string, Measure>>) =>
  Object.entries(some).filter(([name]) => name.includes(wanted))
const kafka = await startKafka()
try {
  console.log('| what | rounds | least s | median s | p90 s | most s |\n|---|---|---|---|---|---|')
  for (const [name, one] of chosen(measures)) console.log(line(name, await measure(kafka, one, rounds)))
  for (const [name, one] of chosen(rareMeasures)) {
    console.log(line(name, await measure(kafka, one, Math.ceil(rounds / 3))))
  }
} finally {
  await kafka.close()
}
