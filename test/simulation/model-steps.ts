import { agentSteps } from './model-agents.ts'
import { type Setting, type Step, surroundingSteps, versionOf } from './model-messages.ts'
import { mishapSteps } from './model-mishaps.ts'
import { placementSteps } from './model-placement.ts'
import type { Protocol } from './model-protocol.ts'
import type { World } from './model-world.ts'

/** Everything that may happen next, messages first; none has a fault behind it already. */
export function stepsFrom(world: World, setting: Setting): Step[] {
  const steps = [
    ...surroundingSteps(world, setting),
    ...agentSteps(world, setting),
    ...placementSteps(world, setting),
    ...mishapSteps(world),
  ]
  return steps.map((step) => ({ ...step, world: withoutSpent(step.world, setting.protocol) }))
}

/** Leaves out what can have no effect any more: nobody waits for it, and its condition or its session will not come back. */
export function withoutSpent(world: World, { puts: condition, initProducerId }: Protocol): World {
  const waits = (is: (agent: World['agents'][number]) => boolean) => world.agents.some(is)
  const mayComeBack = (version: string | null) =>
    world.mishaps > 0 && (version === null || version === world.backup?.nonce || world.backup === undefined)
  const puts = world.puts.filter(
    ({ expected, document }) =>
      condition === 'unconditional' ||
      expected === undefined ||
      expected === versionOf(world) ||
      mayComeBack(expected) ||
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
