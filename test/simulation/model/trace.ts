import type { Setting, Step } from './environment.ts'
import { stepsFrom } from './steps.ts'
import { firstWorld, type World } from './world.ts'

/** Repeats the steps from the first state to `state`. `path` has two numbers per state: previous state and step. */
export function traceOf(setting: Setting, path: readonly number[], state: number): string[] {
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

export function describeStep({ what, by, world }: Step): string {
  return `${nameOf(world, by)}${what}  | ${summaryOf(world)}`
}

function nameOf({ agents }: World, by: number | undefined): string {
  if (by === undefined) return ''
  return agents[by]?.role === 'operator' ? 'the operator ' : `replica ${by + 1} `
}

function summaryOf({ document, kafka, now, agents }: World): string {
  const { record } = kafka
  const state = (is: { epoch: number; seq: number } | null | undefined) => (is ? `(${is.epoch}, ${is.seq})` : 'none')
  const { committed, pending, claim } = document ?? {}
  const assigned = agents.flatMap(({ role, isAssigned }, at) => (role === 'replica' && isAssigned ? [at + 1] : []))
  return [
    ...[`hour ${now}`, `assigned to ${assigned.join(' and ') || 'none'}`, `claim ${claim?.epoch ?? 'none'}`],
    ...[`committed ${state(committed)}`, `pending ${state(pending)}`, `record ${state(record)}`],
    `readers wait for page ${kafka.next}`,
  ].join(', ')
}
