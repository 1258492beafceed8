import { agentSteps } from './agents.ts'
import { environmentSteps, type Setting, type Step, versionOf } from './environment.ts'
import { externalFaultSteps } from './external-faults.ts'
import { placementSteps } from './placement.ts'
import type { Protocol } from './protocol.ts'
import type { World } from './world.ts'

/** All steps from a state without a violation, those of the environment first. */
export function stepsFrom(world: World, setting: Setting): Step[] {
  const steps = [
    ...environmentSteps(world, setting),
    ...agentSteps(world, setting),
    ...placementSteps(world, setting),
    ...externalFaultSteps(world, setting),
  ]
  return steps.map((step) => ({ ...step, world: withoutSpent(step.world, setting.protocol) }))
}

/** Removes requests without any further effect: no sender waits, and their condition or producer cannot recur. */
export function withoutSpent(world: World, { puts: condition, initProducerId }: Protocol): World {
  const waits = (is: (agent: World['agents'][number]) => boolean) => world.agents.some(is)
  const mayRecur = (version: string | null) =>
    world.documentFaults > 0 && (version === null || version === world.backup?.nonce || world.backup === undefined)
  const puts = world.puts.filter(
    ({ expected, document }) =>
      condition === 'unconditional' ||
      expected === undefined ||
      expected === versionOf(world) ||
      mayRecur(expected) ||
      waits(({ phase, put }) => phase === 'writing' && put?.document === document),
  )
  const commits = world.commits.filter(
    (commit) =>
      initProducerId === 'does nothing' ||
      commit.producer === world.kafka.producer ||
      waits(({ phase, producer }) => phase === 'committing' && producer === commit.producer),
  )
  return puts.length === world.puts.length && commits.length === world.commits.length
    ? world
    : { ...world, puts, commits }
}
