import type { Bounds } from './bounds.ts'
import { fingerprintOf } from './fingerprint.ts'
import { livenessCheck, type Stuck } from './liveness.ts'
import { designed, type Protocol } from './protocol.ts'
import type { Setting, Step } from './step.ts'
import { isComplete, stepsFrom } from './steps.ts'
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
  /** States in which a replica holds the stream; justified unless false holds are ignored. */
  readonly held: number
  /** Every kind of step that was taken. */
  readonly stepKinds: ReadonlySet<string>
}

/**
 * Visits, breadth first, every state that replicas, operators, S3, Kafka and time can reach by the rules of `protocol`.
 * The valid state is determined by the connector's own function. Returns at the first violation, or when there are no
 * new states. A state from which a replica cannot deliver every page is also a violation, reported if there is no other.
 */
export function checkDelivery(bounds: Bounds, protocol: Protocol = designed): Verdict {
  const setting = settingOf(bounds, protocol)
  const seen = new Set<number>()
  const checkLiveness = livenessCheck(setting)
  /** Two numbers per state: previous state and step. */
  const path: number[] = []
  const stepKinds = new Set<string>()
  let complete = 0
  let held = 0
  let stuck: (Stuck & { number: number }) | undefined
  let front: Front = []

  const visit = (world: World, [from, choice]: [number, number], next: Front) => {
    const number = seen.size
    if (seen.add(fingerprintOf(world)).size === number) return
    path.push(from, choice)
    next.push({ world, number })
    if (isComplete(world, bounds)) complete += 1
    if (world.replicas.some(({ phase }) => phase === 'held')) held += 1
    const found = stuck === undefined ? checkLiveness(world) : undefined
    if (found !== undefined) stuck = { ...found, number }
  }
  const verdict = (violation: string | undefined, trace: readonly string[]): Verdict => ({
    violation,
    trace,
    complete,
    held,
    stepKinds,
    states: seen.size,
  })
  visit(firstWorld(bounds), [-1, 0], front)
  while (front.length > 0) {
    const next: Front = []
    for (const { world, number } of front) {
      for (const [choice, step] of stepsFrom(world, setting).entries()) {
        if (step.world.violation !== undefined)
          return verdict(step.world.violation, [...traceOf(setting, path, number), describeStep(step)])
        stepKinds.add(step.what)
        visit(step.world, [number, choice], next)
      }
    }
    front = next
  }
  if (stuck === undefined) return verdict(undefined, [])
  const steps = stuck.steps.map(describeStep)
  return verdict(stuck.violation, [...traceOf(setting, path, stuck.number), 'then, without faults:', ...steps])
}

type Front = { readonly world: World; readonly number: number }[]

function settingOf(bounds: Bounds, protocol: Protocol): Setting {
  let made = 0
  const fresh = (kind: string) => {
    made += 1
    return `${kind}${made}`
  }
  return { bounds, protocol, fresh }
}

/** Repeats the steps from the first state. */
function traceOf(setting: Setting, path: readonly number[], state: number): string[] {
  const choices: number[] = []
  for (let number = state; number > 0; number = path[2 * number] ?? 0) choices.unshift(path[2 * number + 1] ?? 0)
  const lines: string[] = []
  let world = firstWorld(setting.bounds)
  for (const choice of choices) {
    const step = stepsFrom(world, setting)[choice]
    if (step === undefined) throw new Error(`step ${choice} does not exist`)
    world = step.world
    lines.push(describeStep(step))
  }
  return lines
}

function describeStep({ what, by, world: { document, kafka, wishes, now, seen } }: Step): string {
  const state = (is: { epoch: number; seq: number } | null | undefined) => (is ? `(${is.epoch}, ${is.seq})` : 'none')
  const { committed, pending, epoch, hasOwner } = document ?? {}
  const summary = [
    `at ${now}`,
    `claim ${epoch ?? 'none'}${hasOwner ? '' : ' without an owner'}`,
    `committed ${state(committed)}`,
    `pending ${state(pending)}`,
    `record ${kafka.unstable ? 'unstable' : state(kafka.record)}`,
    ...(wishes?.paused ? ['paused'] : []),
    ...(wishes?.rewind ? [`rewind ${wishes.rewind.id}`] : []),
    `pages seen ${seen.pages.toString(2)}`,
  ].join(', ')
  return `${by === undefined ? '' : `replica ${by + 1} `}${what}  | ${summary}`
}

/** Text for a failed check: the violation and the steps to it. */
export function reportOf({ violation, trace, states }: Verdict): string {
  return [`${violation ?? 'no violation'} (${states} states)`, ...trace].join('\n')
}
