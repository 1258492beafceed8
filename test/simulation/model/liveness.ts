import { changed, idle, LOSES_MARKER, LOSES_RECORD_MARKER, type Setting, type Step } from './environment.ts'
import { fingerprintOf } from './fingerprint.ts'
import { afterAssignment } from './placement.ts'
import { stepsFrom, withoutSpent } from './steps.ts'
import { visitedStates } from './visited-states.ts'
import type { World } from './world.ts'

/** A replica that does not deliver every page, and the steps to the state in which it is stuck. */
export interface Stuck {
  readonly violation: string
  readonly steps: readonly Step[]
}

/** Steps that no progress may depend on. */
const AVOIDED_STEPS: ReadonlySet<string> = new Set([
  'crashes or gives up',
  'stops waiting for its PUT',
  'the transaction times out',
  'the commit record expires',
  'an hour passes',
  LOSES_MARKER,
  LOSES_RECORD_MARKER,
])

/** More steps than any complete run has. */
const MOST_STEPS = 200

/**
 * Checks from a state, for each replica: once it alone has the stream and no faults occur, it delivers every page and
 * runs, or stops for an operator.
 */
export function livenessCheck(setting: Setting): (world: World) => Stuck | undefined {
  const live = visitedStates()
  return (world) => {
    for (const [owner, { role }] of world.agents.entries()) {
      const stuck =
        role === 'replica' ? pathToEnd(setting, live, { world: isolated(world, setting, owner), owner }) : undefined
      if (stuck !== undefined) return stuck
    }
  }
}

/** Removes the other replicas, but not their requests in flight. The owner gets an assignment only if it changes. */
function isolated(world: World, { protocol }: Setting, owner: number): World {
  const ownsAlone = world.agents.every(({ isAssigned }, at) => isAssigned === (at === owner))
  const alone = world.agents.map((agent, at) => (at === owner ? agent : { ...idle(agent), isAssigned: false }))
  const agents = ownsAlone ? alone : changed(alone, owner, afterAssignment(true, protocol))
  return withoutSpent(
    {
      ...world,
      agents,
      openings: Number.POSITIVE_INFINITY,
      assignmentChanges: 0,
      documentFaults: 0,
      lostMarkers: 0,
      kafkaDeletions: 0,
    },
    protocol,
  )
}

function pathToEnd(
  setting: Setting,
  live: ReturnType<typeof visitedStates>,
  { world: start, owner }: { world: World; owner: number },
): Stuck | undefined {
  const path: (readonly [number, number])[] = []
  const steps: Step[] = []
  const stuck = (why: string): Stuck => ({ violation: `replica ${owner + 1} ${why}`, steps })
  for (let world = start; !isDone(world, owner, setting); ) {
    const state = fingerprintOf(world)
    if (live.has(state)) break
    path.push(state)
    const next = stepsFrom(world, setting).find(
      ({ by, what }) => (by === undefined || by === owner) && !AVOIDED_STEPS.has(what),
    )
    if (next === undefined) return stuck('has the stream and does not run it')
    steps.push(next)
    if (next.world.violation !== undefined) return stuck(`has the stream, then ${next.world.violation}`)
    if (path.length > MOST_STEPS) return stuck('has the stream and never finishes')
    world = next.world
  }
  for (const state of path) live.add(state)
}

/** True also for a fenced owner with nothing left to deliver: it learns of the takeover only when it saves next. */
function isDone({ agents, kafka }: World, owner: number, { bounds }: Setting): boolean {
  const phase = agents[owner]?.phase
  return phase === 'stopped' || (phase === 'running' && bounds.pages.indexOf('events', kafka.next) === -1)
}
