import type { Bounds } from './bounds.ts'
import type { Setting } from './environment.ts'
import { fingerprintOf } from './fingerprint.ts'
import { livenessCheck, type Stuck } from './liveness.ts'
import { designed, type Protocol } from './protocol.ts'
import { stepsFrom } from './steps.ts'
import { describeStep, traceOf } from './trace.ts'
import { visitedStates } from './visited-states.ts'
import { firstWorld, type World } from './world.ts'

/** Result of the exhaustive check. */
export interface Verdict {
  /** The violation that takes the fewest steps. */
  readonly violation: string | undefined
  /** The steps to it; empty without a violation. */
  readonly trace: readonly string[]
  readonly states: number
  /** States in which readers have seen every page. */
  readonly complete: number
  /** States in which a replica has stopped for an operator; justified unless false stops are ignored. */
  readonly stopped: number
  /** Every kind of step that was taken. */
  readonly stepKinds: ReadonlySet<string>
}

/**
 * Visits, breadth first, every state that replicas, an operator, S3, Kafka, the placement and time can reach by the
 * rules of `protocol`. Decisions are made by the connector's own functions. Returns at the first violation, or when
 * there are no new states. A state from which a replica cannot deliver every page is also a violation, reported if there
 * is no other.
 */
export function checkDelivery(bounds: Bounds, protocol: Protocol = designed): Verdict {
  const setting = settingOf(bounds, protocol)
  const seen = visitedStates()
  const checkLiveness = livenessCheck(setting)
  const path: number[] = []
  const stepKinds = new Set<string>()
  let complete = 0
  let stopped = 0
  let stuck: (Stuck & { number: number }) | undefined
  let front: Front = []

  const visit = (world: World, from: number, choice: number, next: Front) => {
    if (!seen.add(fingerprintOf(world))) return
    const number = seen.size() - 1
    path.push(from, choice)
    next.push({ world, number })
    if (bounds.pages.indexOf('events', world.kafka.next) === -1) complete += 1
    if (world.agents.some(({ role, phase }) => role === 'replica' && phase === 'stopped')) stopped += 1
    const found = stuck === undefined ? checkLiveness(world) : undefined
    if (found !== undefined) stuck = { ...found, number }
  }
  const verdict = (violation: string | undefined, trace: readonly string[]): Verdict => ({
    ...{ violation, trace, complete, stopped, stepKinds },
    states: seen.size(),
  })
  visit(firstWorld(bounds), -1, 0, front)
  while (front.length > 0) {
    const next: Front = []
    for (const { world, number } of front) {
      for (const [choice, step] of stepsFrom(world, setting).entries()) {
        const { violation } = step.world
        if (violation !== undefined) return verdict(violation, [...traceOf(setting, path, number), describeStep(step)])
        stepKinds.add(step.what)
        visit(step.world, number, choice, next)
      }
    }
    front = next
  }
  if (stuck === undefined) return verdict(undefined, [])
  return verdict(stuck.violation, [
    ...traceOf(setting, path, stuck.number),
    'then, without faults:',
    ...stuck.steps.map(describeStep),
  ])
}

type Front = { readonly world: World; readonly number: number }[]

function settingOf(bounds: Bounds, protocol: Protocol): Setting {
  let nonces = 0
  let producers = 0
  return {
    bounds,
    protocol,
    newNonce: () => {
      nonces += 1
      return `${nonces}`
    },
    newProducer: () => {
      producers += 1
      return producers
    },
  }
}

/** Text for a failed check: the violation and the steps to it. */
export function reportOf({ violation, trace, states }: Verdict): string {
  return [`${violation ?? 'no violation'} (${states} states)`, ...trace].join('\n')
}
