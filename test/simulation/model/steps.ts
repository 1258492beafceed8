import type { Bounds } from './bounds.ts'
import { environmentSteps } from './environment.ts'
import { operatorSteps } from './operators.ts'
import type { Protocol } from './protocol.ts'
import { replicaSteps } from './replica.ts'
import type { Setting, Step } from './step.ts'
import type { World } from './world.ts'

/** All steps from a state without a violation, those of the environment first. */
export function stepsFrom(world: World, setting: Setting): Step[] {
  const steps = [...environmentSteps(world, setting), ...replicaSteps(world, setting), ...operatorSteps(world, setting)]
  return steps.map((step) => ({ ...step, world: withoutSpent(step.world, setting.protocol) }))
}

/** Removes requests without any further effect: no sender waits, and their condition or producer cannot recur. */
function withoutSpent(world: World, { puts: condition, initProducerId }: Protocol): World {
  const { document, backup, left, wishes, kafka, replicas, operators } = world
  const mayRecur = (version: string | null) =>
    left.documentFaults > 0 && (version === null || backup === undefined || version === backup.nonce)
  const puts = world.puts.filter(
    (put) =>
      condition === 'unconditional' ||
      put.expected === undefined ||
      put.expected === (document?.nonce ?? null) ||
      mayRecur(put.expected) ||
      replicas.some(({ phase, put: own }) => phase === 'writing' && own?.document === put.document),
  )
  const wishPuts = world.wishPuts.filter(({ expected }) => expected === (wishes?.id ?? null))
  const ends = world.ends.filter(
    ({ producer }) =>
      initProducerId === 'does nothing' ||
      producer === kafka.producer ||
      [...replicas, ...operators].some((agent) => agent.phase === 'committing' && agent.producer === producer),
  )
  const isSame =
    puts.length === world.puts.length && wishPuts.length === world.wishPuts.length && ends.length === world.ends.length
  return isSame ? world : { ...world, puts, wishPuts, ends }
}

export function isComplete({ seen }: World, { pages }: Bounds): boolean {
  return pages.every((kind, page) => kind === 'none' || ((seen.ever >> page) & 1) === 1)
}
