import { fingerprintOf } from './fingerprint.ts'
import { idle, type Setting, type Step } from './step.ts'
import { isComplete, stepsFrom } from './steps.ts'
import { waitingRewind } from './wishes.ts'
import { versionOf, type World } from './world.ts'

/** A replica that does not deliver every page, and the steps to the state in which it is stuck. */
export interface Stuck {
  readonly violation: string
  readonly steps: readonly Step[]
}

/** Steps that no progress may depend on. */
const FAULTS = /crashes|stops waiting|times out|expires|passes|losing|lost|is deleted|backup|gives up/

/** More steps than any complete run has. */
const MOST_STEPS = 200

/**
 * Checks from a state, for each replica: once it alone has the stream, no command runs and no faults occur, it delivers
 * every page and runs, or it does what an operator wished, or it is held.
 */
export function livenessCheck(setting: Setting): (world: World) => Stuck | undefined {
  const live = new Set<number>()
  return (world) => {
    for (const owner of world.replicas.keys()) {
      const stuck = pathToEnd(setting, live, { world: isolated(world, owner), owner })
      if (stuck !== undefined) return stuck
    }
  }
}

/** Removes the other replicas and the operators, but not their requests in flight. A replaced owner is assigned again. */
function isolated(world: World, owner: number): World {
  const isReplaced = ({ phase, isPrepared, isSent, version }: World['replicas'][number]) =>
    phase === 'running' && !isPrepared && !isSent && version !== versionOf(world)
  const replicas = world.replicas.map((replica, at) => (at === owner && !isReplaced(replica) ? replica : idle(replica)))
  const left = { ...world.left, openings: Number.POSITIVE_INFINITY }
  return { ...world, replicas, operators: [], left }
}

function pathToEnd(setting: Setting, live: Set<number>, from: { world: World; owner: number }): Stuck | undefined {
  const { owner } = from
  const path: number[] = []
  const steps: Step[] = []
  const stuck = (why: string): Stuck => ({ violation: `replica ${owner + 1} ${why}`, steps })
  for (let { world } = from; ; ) {
    const state = fingerprintOf(world)
    if (live.has(state)) break
    path.push(state)
    if (hasEnded(world, setting, owner)) {
      const wrong = wrongEnd(world, setting, owner)
      if (wrong !== undefined) return stuck(wrong)
      break
    }
    const next = stepsFrom(world, setting).find(
      ({ by, what }) => (by === undefined || by === owner) && !FAULTS.test(what),
    )
    if (next === undefined || path.length > MOST_STEPS) return stuck('has the stream and never finishes')
    steps.push(next)
    if (next.world.violation !== undefined) return stuck(`has the stream, then ${next.world.violation}`)
    world = next.world
  }
  for (const state of path) live.add(state)
}

/** The owner has nothing left to do. */
function hasEnded(world: World, { bounds, protocol }: Setting, owner: number): boolean {
  const replica = world.replicas[owner]
  if (replica === undefined || world.wishPuts.length + world.puts.length + world.ends.length > 0) return false
  const { phase, document, isPrepared, isLeaving } = replica
  const hasSeen = replica.wishes?.id === world.wishes?.id || protocol.wishes === 'not seen'
  if (phase === 'held' || phase === 'paused') return hasSeen && replica.version === versionOf(world)
  const isIdle = phase === 'running' && !isPrepared && !isLeaving && hasSeen
  const hasApplied = world.wishes?.rewind === undefined || world.wishes.rewind.id !== document?.appliedRewind
  return isIdle && hasApplied && document !== undefined && document.committed.state.next >= bounds.pages.length
}

function wrongEnd(world: World, { bounds }: Setting, owner: number): string | undefined {
  const { wishes, document, due, left, seen } = world
  const { phase } = world.replicas[owner] ?? {}
  const rewind = waitingRewind(document, wishes)
  if (phase === 'held')
    return rewind?.republish && rewind.yes === versionOf(world) ? 'is held and not cured' : undefined
  const isWhole = left.documentFaults === bounds.documentFaults
  const isLost = due !== undefined && !document?.committed.state.rewinds.includes(due)
  if (isLost && isWhole) return 'loses a rewind'
  if (phase === 'paused') return document?.hasOwner || document?.pending ? 'is paused and not settled' : undefined
  if (wishes?.paused) return 'runs a paused stream'
  if (!isComplete(world, bounds)) return 'has the stream and does not deliver every page'
  const { known = 0, generation = 0 } = document?.committed.state ?? {}
  const lost = generation === seen.generation ? known & ~seen.pages : known
  return lost !== 0 && isWhole ? 'has lost pages' : undefined
}
