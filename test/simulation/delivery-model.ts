import type { Bounds } from './model-bounds.ts'
import { fingerprintOf } from './model-fingerprint.ts'
import { livenessOf, type Stuck } from './model-liveness.ts'
import type { Setting } from './model-messages.ts'
import { ours, type Protocol } from './model-protocol.ts'
import { seenSituations } from './model-seen.ts'
import { stepsFrom } from './model-steps.ts'
import { toldOf, traceOf } from './model-trace.ts'
import { firstWorld, type World } from './model-world.ts'

/** What came of walking through every situation within the bounds. */
export interface Verdict {
  /** The fault that the fewest steps lead to. */
  readonly fault: string | undefined
  /** The steps to it; empty without a fault. */
  readonly trace: readonly string[]
  readonly situations: number
  /** Situations in which readers have seen every page. */
  readonly complete: number
  /** Situations in which a replica has stopped for an operator; rightly, where false stops are faults. */
  readonly stopped: number
  /** Every kind of step that was taken. */
  readonly happened: ReadonlySet<string>
}

/**
 * Walks breadth first through every situation that replicas, an operator, S3, Kafka, the placement and time can bring about by the rules of
 * `protocol`, every decision being made by the product's own functions, until a fault or until there is nothing new. From each situation it
 * looks for a way to the end; one without is a fault as well, told when there is no other.
 */
export function checkDelivery(bounds: Bounds, protocol: Protocol = ours): Verdict {
  const setting = settingOf(bounds, protocol)
  const seen = seenSituations()
  const stuckIn = livenessOf(setting)
  const path: number[] = []
  const happened = new Set<string>()
  let complete = 0
  let stopped = 0
  let stuck: (Stuck & { number: number }) | undefined
  let front: Front = []

  const meet = (world: World, from: number, choice: number, next: Front) => {
    if (!seen.add(fingerprintOf(world))) return
    const number = seen.size() - 1
    path.push(from, choice)
    next.push({ world, number })
    if (bounds.pages.indexOf('events', world.kafka.next) === -1) complete += 1
    if (world.agents.some(({ role, phase }) => role === 'replica' && phase === 'stopped')) stopped += 1
    const found = stuck === undefined ? stuckIn(world) : undefined
    if (found !== undefined) stuck = { ...found, number }
  }
  const verdict = (fault: string | undefined, trace: readonly string[]): Verdict => ({
    ...{ fault, trace, complete, stopped, happened },
    situations: seen.size(),
  })
  meet(firstWorld(bounds), -1, 0, front)
  while (front.length > 0) {
    const next: Front = []
    for (const { world, number } of front) {
      for (const [choice, step] of stepsFrom(world, setting).entries()) {
        const { fault } = step.world
        if (fault !== undefined) return verdict(fault, [...traceOf(setting, path, number), toldOf(step)])
        happened.add(step.what)
        meet(step.world, number, choice, next)
      }
    }
    front = next
  }
  if (stuck === undefined) return verdict(undefined, [])
  return verdict(stuck.fault, [...traceOf(setting, path, stuck.number), 'left alone:', ...stuck.steps.map(toldOf)])
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

/** What a failure shows: the shortest way to the fault. */
export function told({ fault, trace, situations }: Verdict): string {
  return [`${fault ?? 'no fault'} (${situations} situations)`, ...trace].join('\n')
}
