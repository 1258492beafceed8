import { stepsFrom } from './segments-steps.ts'
import { type Bounds, designed, fingerprintOf, firstWorld, type Protocol, type World } from './segments-world.ts'

export interface SegmentsVerdict {
  /** The violation that takes the fewest steps. */
  readonly violation: string | undefined
  readonly trace: readonly string[]
  readonly states: number
  /** Every kind of step that was taken, without names and numbers. */
  readonly stepKinds: ReadonlySet<string>
}

interface Visited {
  readonly world: World
  readonly what: string
  readonly from: Visited | undefined
}

/** Visits, breadth first, every state of replicas that open a stream, write its segments and delete them. */
export function checkSegments(bounds: Bounds, protocol: Protocol = designed): SegmentsVerdict {
  const stepKinds = new Set<string>()
  const seen = new Set<string>()
  let front: Visited[] = [{ world: firstWorld(bounds), what: '', from: undefined }]
  while (front.length > 0) {
    const next: Visited[] = []
    for (const from of front) {
      for (const { what, world } of stepsFrom(from.world, protocol)) {
        stepKinds.add(what.replaceAll(/ \d+(-\d+)?/g, ''))
        const visited = { world, what, from }
        if (world.violation !== undefined)
          return { violation: world.violation, trace: traceOf(visited), states: seen.size, stepKinds }
        const fingerprint = fingerprintOf(world)
        if (seen.has(fingerprint)) continue
        seen.add(fingerprint)
        next.push(visited)
      }
    }
    front = next
  }
  return { violation: undefined, trace: [], states: seen.size, stepKinds }
}

function traceOf(visited: Visited): string[] {
  const trace: string[] = []
  for (let at: Visited | undefined = visited; at?.from !== undefined; at = at.from) trace.unshift(at.what)
  return trace
}
