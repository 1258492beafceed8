import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { POLL_MS } from './simulated-parts.ts'
import { isAlive, OPENING_HOLDS_MS, STOP_WITHIN_MS, startReplica, stopReplica } from './simulated-replica.ts'
import { CONNECTOR, type SimulatedStream } from './simulated-stream.ts'
import { type Fate, release, settle, tick, type Waiting, type World } from './world.ts'

/** Once placement is right and nothing fails any more, everything must be well within so long: a quarrel pauses for two minutes at most. */
const RECOVERY_MS = 180_000
/** From a change to its event, while nothing fails. */
const LAG_MS = POLL_MS + OPENING_HOLDS_MS + 1_000
const STEPS = 20_000

/** Lets everything happen in order, and time go on, until it `isEnough` (asked when nothing is left to do but wait) or `withinMs` are over. */
export async function runFairly(world: World, isEnough: () => boolean, withinMs: number): Promise<boolean> {
  const until = world.clock.monotonic() + withinMs
  for (let step = 0; step < STEPS; step += 1) {
    await settle()
    const next = world.waiting.findIndex((operation) => fateOf(world, operation) !== 'waits')
    const operation = world.waiting[next]
    if (operation !== undefined) release(world, next, fateOf(world, operation) as Fate)
    else if (isEnough()) return true
    else if (world.clock.monotonic() >= until) return false
    else tick(world)
  }
  throw new Error(`more than ${STEPS} steps in ${withinMs} ms`)
}

/** What becomes of an operation while nothing fails but what the afflicted stream suffers from. */
function fateOf({ options, isAfflicted, streams }: World, { stream, what }: Waiting): Fate | 'waits' {
  if (!isAfflicted || stream !== streams[0]?.name || !options.affliction.startsWith(what)) return 'none'
  return options.affliction.endsWith('hangs') ? 'waits' : 'before'
}

/**
 * From here on nothing fails. Every stream must soon run on one replica and have told everything; then each change must be told at once,
 * whatever the afflicted stream suffers; then everybody is told to stop.
 */
export async function endFairly(world: World): Promise<void> {
  const { streams, found } = world
  cure(world)
  if (!(await runFairly(world, () => faultsNow(world).length === 0, RECOVERY_MS))) {
    found.push(...faultsNow(world).map((fault) => `${fault}, ${RECOVERY_MS} ms after everything was well again`))
  }
  await runFairly(world, () => false, 2 * POLL_MS)
  for (const stream of streams) stream.change(0)
  if (!(await runFairly(world, () => faultsNow(world).length === 0, LAG_MS))) {
    found.push(...faultsNow(world).map((fault) => `${fault}, ${LAG_MS} ms after the change`))
  }
  await stopAll(world)
}

function cure(world: World): void {
  const { replicas, group, options, store, streams, kafka } = world
  kafka.keepEnds()
  for (const { life } of replicas) life.wake()
  for (const { name } of replicas) group.hear(name)
  if (!replicas.some((replica) => isAlive(replica) && !replica.isAskedToStop)) startReplica(world)
  group.rebalance()
  world.isAfflicted = options.affliction !== 'none'
  if (options.affliction === 'checkpoint damaged') store.tamper(streams[0]?.key ?? '', '{')
}

const wellStreams = ({ streams, isAfflicted }: World) => (isAfflicted ? streams.slice(1) : streams)

/** What a stream that is well has not: one owner, who runs it, and the last change of each client in the topic. */
function faultsNow(world: World): string[] {
  return wellStreams(world).flatMap((stream) => {
    const { name } = stream
    const runners = world.replicas.filter((replica) => isAlive(replica) && replica.running.has(name))
    const owners = world.group.ownersOf(name)
    const missing = contentsNotTold(world, stream)
    return [
      ...(runners.length === 1 && owners.length === 1 && runners[0]?.name === owners[0]
        ? []
        : [`${name} runs on ${runners.map((runner) => runner.name)}, is owned by ${owners}`]),
      ...missing.map((content) => `${content} is not told`),
    ]
  })
}

/** The last change of each client, where it is not its newest event; at least once, an older one that came late may stand after it. */
function contentsNotTold({ kafka, options }: World, { name, polaris }: SimulatedStream): string[] {
  const told = kafka.committed
    .filter(({ stream }) => stream === name)
    .map(({ key, value }) => ({ key, content: (JSON.parse(value) as { data: { Contenu: string } }).data.Contenu }))
  const isTold = ([clientId, content]: [string, string]) =>
    options.delivery === 'exactly-once'
      ? told.findLast(({ key }) => key === clientId)?.content === content
      : told.some((event) => event.key === clientId && event.content === content)
  const last = new Map(polaris.changes.map(({ clientId, content }) => [clientId, content]))
  return [...last].filter((client) => !isTold(client)).map(([clientId, content]) => `${clientId} ${content}`)
}

/** Invariant 6: who is told to stop in the middle of a page finishes it, saves, and leaves. */
async function stopAll(world: World): Promise<void> {
  const { streams, replicas, kafka, found, options } = world
  for (const stream of streams) {
    stream.changesDue = stream.polaris.changes.length
    stream.change(1)
  }
  for (let step = 0; step < options.stopAfterSteps; step += 1) await oneStep(world)
  const inHand = kafka.openTransactions()
  const before = streams.map(({ name }) => recordsOf(world, name))
  for (const replica of replicas.filter(isAlive)) stopReplica(world, replica)
  await runFairly(world, () => !replicas.some(isAlive), STOP_WITHIN_MS)
  for (const { name } of replicas.filter(isAlive)) found.push(`${name} has not stopped`)
  for (const stream of wellStreams(world)) {
    const records = recordsOf(world, stream.name)
    const isInHand = inHand.includes(`${CONNECTOR}.${stream.name}`)
    if (isInHand && records === before[streams.indexOf(stream)])
      found.push(`${stream.name}: the page in hand was dropped`)
    const last = stream.documents.at(-1)
    if (last === undefined) continue // told already
    const { pending, committed } = parseDocument(last.text)
    if (pending !== null) found.push(`${stream.name}: the last page was not saved`)
    if (options.delivery === 'exactly-once' && committed.state.events !== records)
      found.push(`${stream.name}: ${committed.state.events} events are saved, ${records} published`)
  }
}

const recordsOf = ({ kafka }: World, stream: string) =>
  kafka.committed.filter((record) => record.stream === stream).length

async function oneStep(world: World): Promise<void> {
  await settle()
  const next = world.waiting.findIndex((operation) => fateOf(world, operation) !== 'waits')
  const operation = world.waiting[next]
  if (operation === undefined) tick(world)
  else release(world, next, fateOf(world, operation) as Fate)
}
