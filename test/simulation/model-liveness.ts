import { fingerprintOf } from './model-fingerprint.ts'
import { changed, idle, LOSES_NOTE, type Setting, type Step } from './model-messages.ts'
import { told } from './model-placement.ts'
import { seenSituations } from './model-seen.ts'
import { stepsFrom, withoutSpent } from './model-steps.ts'
import type { World } from './model-world.ts'

/** A replica that would not get to the end, and the steps to where it stays. */
export interface Stuck {
  readonly fault: string
  readonly steps: readonly Step[]
}

/** What nobody needs in order to go on. (Who leaves when nothing is left to read finds out whether it was taken over, like who saves once a minute.) */
const TROUBLE: ReadonlySet<string> = new Set([
  'crashes, or gives up',
  'waits no longer for its PUT',
  'Kafka times the transaction out',
  'Kafka forgets the note',
  'an hour passes',
  LOSES_NOTE,
])

/** More than any way to the end has. */
const MOST_STEPS = 200

/** Tells of a situation whether each replica, once the stream is its own and nothing else goes wrong, delivers every page and runs (or stops for an operator). */
export function livenessOf(setting: Setting): (world: World) => Stuck | undefined {
  const live = seenSituations()
  return (world) => {
    for (const [owner, { role }] of world.agents.entries()) {
      const stuck =
        role === 'replica' ? wayToTheEnd(setting, live, { world: left(world, setting, owner), owner }) : undefined
      if (stuck !== undefined) return stuck
    }
  }
}

/** The others are gone, what they have sent is still under way. The group tells the owner only what is news. */
function left(world: World, { protocol }: Setting, owner: number): World {
  const isOwnersAlone = world.agents.every(({ isAssigned }, at) => isAssigned === (at === owner))
  const alone = world.agents.map((agent, at) => (at === owner ? agent : { ...idle(agent), isAssigned: false }))
  const agents = isOwnersAlone ? alone : changed(alone, owner, told(true, protocol))
  return withoutSpent(
    { ...world, agents, openings: Number.POSITIVE_INFINITY, moves: 0, mishaps: 0, lostNotes: 0 },
    protocol,
  )
}

function wayToTheEnd(
  setting: Setting,
  live: ReturnType<typeof seenSituations>,
  { world: start, owner }: { world: World; owner: number },
): Stuck | undefined {
  const way: (readonly [number, number])[] = []
  const steps: Step[] = []
  const stuck = (why: string): Stuck => ({ fault: `replica ${owner + 1} ${why}`, steps })
  for (let world = start; !isDone(world, owner, setting); ) {
    const situation = fingerprintOf(world)
    if (live.has(situation)) break
    way.push(situation)
    const next = stepsFrom(world, setting).find(
      ({ by, what }) => (by === undefined || by === owner) && !TROUBLE.has(what),
    )
    if (next === undefined) return stuck('has the stream and does not run it')
    steps.push(next)
    if (next.world.fault !== undefined) return stuck(`has the stream, and then ${next.world.fault}`)
    if (way.length > MOST_STEPS) return stuck('goes round in circles')
    world = next.world
  }
  for (const situation of way) live.add(situation)
}

/** Where it was taken over and nothing is left to deliver, it cannot know yet. */
function isDone({ agents, kafka }: World, owner: number, { bounds }: Setting): boolean {
  const phase = agents[owner]?.phase
  return phase === 'stopped' || (phase === 'running' && bounds.pages.indexOf('events', kafka.next) === -1)
}
