import type { Setting, Step } from './model-messages.ts'
import { stepsFrom } from './model-steps.ts'
import { firstWorld, type World } from './model-world.ts'

/** Walks from the first situation to a later one again; `path` has two numbers for each situation: from which, and by which of its steps. */
export function traceOf(setting: Setting, path: readonly number[], situation: number): string[] {
  const choices: number[] = []
  for (let number = situation; number > 0; number = path[2 * number] ?? 0) choices.unshift(path[2 * number + 1] ?? 0)
  const told: string[] = []
  let world = firstWorld(setting.bounds)
  for (const choice of choices) {
    const step = stepsFrom(world, setting)[choice]
    if (step === undefined) throw new Error('the way back is lost')
    world = step.world
    told.push(toldOf(step))
  }
  return told
}

export function toldOf({ what, by, world }: Step): string {
  return `${nameOf(world, by)}${what}  | ${summaryOf(world)}`
}

function nameOf({ agents }: World, by: number | undefined): string {
  if (by === undefined) return ''
  return agents[by]?.role === 'operator' ? 'the operator ' : `replica ${by + 1} `
}

function summaryOf({ document, kafka, now, agents }: World): string {
  const { note } = kafka
  const state = (is: { epoch: number; seq: number } | null | undefined) => (is ? `(${is.epoch}, ${is.seq})` : 'none')
  const { committed, pending, claim } = document ?? {}
  const assigned = agents.flatMap(({ role, isAssigned }, at) => (role === 'replica' && isAssigned ? [at + 1] : []))
  return `hour ${now}, assigned to ${assigned.join(' and ') || 'nobody'}, claim ${claim?.epoch ?? 'none'}, committed ${state(committed)} pending ${state(pending)}, note ${state(note)}, readers wait for page ${kafka.next}`
}
