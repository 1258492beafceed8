import { agentSteps } from './model-agents.ts'
import { fingerprintOf } from './model-fingerprint.ts'
import { type Setting, type Step, surroundingSteps, versionOf } from './model-messages.ts'
import { ours, type Protocol } from './model-protocol.ts'
import { seenSituations } from './model-seen.ts'
import { type Bounds, firstWorld, type World } from './model-world.ts'

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

/** Two replicas, three openings, two pages with events. */
export const BASE: Bounds = {
  replicas: 2,
  openings: 3,
  pages: ['events', 'events'],
  puts: 2,
  set: undefined,
  hours: 0,
  falseStops: 'are faults',
}

/**
 * Walks breadth first through every situation that replicas, an operator, S3, Kafka and time can bring about by the rules of `protocol`,
 * every decision being made by the product's own functions, until a fault or until there is nothing new.
 */
export function checkDelivery(bounds: Bounds, protocol: Protocol = ours): Verdict {
  const setting = settingOf(bounds, protocol)
  const seen = seenSituations()
  const path: number[] = []
  const happened = new Set<string>()
  let complete = 0
  let stopped = 0
  let front: { world: World; number: number }[] = []

  const meet = (world: World, from: number, choice: number, next: typeof front) => {
    if (!seen.add(fingerprintOf(world))) return
    path.push(from, choice)
    next.push({ world, number: seen.size() - 1 })
    if (bounds.pages.indexOf('events', world.kafka.next) === -1) complete += 1
    if (world.agents.some(({ role, phase }) => role === 'replica' && phase === 'stopped')) stopped += 1
  }
  meet(firstWorld(bounds), -1, 0, front)
  while (front.length > 0) {
    const next: typeof front = []
    for (const { world, number } of front) {
      for (const [choice, step] of stepsFrom(world, setting).entries()) {
        if (step.world.fault !== undefined) {
          const trace = traceOf(setting, path, { number, choice })
          return { fault: step.world.fault, trace, situations: seen.size(), complete, stopped, happened }
        }
        happened.add(step.what)
        meet(step.world, number, choice, next)
      }
    }
    front = next
  }
  return { fault: undefined, trace: [], situations: seen.size(), complete, stopped, happened }
}

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

function stepsFrom(world: World, setting: Setting): Step[] {
  return [...surroundingSteps(world, setting), ...agentSteps(world, setting)].map((step) => ({
    ...step,
    world: withoutSpent(step.world, setting.protocol),
  }))
}

/** Leaves out what can have no effect any more: nobody waits for it, and its condition or its session will not come back. */
function withoutSpent(world: World, { puts: condition, initProducerId }: Protocol): World {
  const waits = (is: (agent: World['agents'][number]) => boolean) => world.agents.some(is)
  const puts = world.puts.filter(
    ({ expected, document }) =>
      condition === 'unconditional' ||
      expected === versionOf(world) ||
      waits(({ phase, put }) => phase === 'writing' && put?.document === document),
  )
  const ends = world.ends.filter(
    (end) =>
      initProducerId === 'does nothing' ||
      end.producer === world.kafka.producer ||
      waits(({ phase, producer }) => phase === 'deciding' && producer === end.producer),
  )
  return puts.length === world.puts.length && ends.length === world.ends.length ? world : { ...world, puts, ends }
}

/** Walks from the first situation to the last one again. */
function traceOf(setting: Setting, path: readonly number[], last: { number: number; choice: number }): string[] {
  const choices = [last.choice]
  for (let number = last.number; number > 0; number = path[2 * number] ?? 0) choices.unshift(path[2 * number + 1] ?? 0)
  const told: string[] = []
  let world = firstWorld(setting.bounds)
  for (const choice of choices) {
    const step = stepsFrom(world, setting)[choice]
    if (step === undefined) throw new Error('the way back is lost')
    world = step.world
    told.push(`${nameOf(world, step.by)}${step.what}  | ${summaryOf(world)}`)
  }
  return told
}

function nameOf({ agents }: World, by: number | undefined): string {
  if (by === undefined) return ''
  return agents[by]?.role === 'operator' ? 'the operator ' : `replica ${by + 1} `
}

function summaryOf({ document, kafka, now }: World): string {
  const { note } = kafka
  const state = (is: { epoch: number; seq: number } | null | undefined) => (is ? `(${is.epoch}, ${is.seq})` : 'none')
  const { committed, pending, claim } = document ?? {}
  return `hour ${now}, claim ${claim?.epoch ?? 'none'}, committed ${state(committed)} pending ${state(pending)}, note ${state(note)}, readers wait for page ${kafka.next}`
}
