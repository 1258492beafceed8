import { changed, type Setting, type Step } from './model-messages.ts'
import type { Protocol } from './model-protocol.ts'
import type { Agent, World } from './model-world.ts'

/** What the placement may tell next: it gives the stream to somebody or takes it from somebody, whoever else has it. */
export function placementSteps(world: World, { protocol }: Setting): Step[] {
  if (world.moves === 0) return []
  const moves = world.moves - 1
  return [...world.agents.entries()]
    .filter(([, { role }]) => role === 'replica')
    .map(([by, { isAssigned }]) => {
      const what = isAssigned ? 'is told that the stream is elsewhere' : 'is assigned the stream'
      return { what, by, world: { ...world, moves, agents: changed(world.agents, by, told(!isAssigned, protocol)) } }
    })
}

export const told =
  (isAssigned: boolean, { lostStream }: Protocol) =>
  (agent: Agent) => ({
    ...{ ...agent, isAssigned, isLost: false },
    isToldAnew: lostStream === 'waits for a newer assignment' && isAssigned && agent.phase !== 'idle',
  })
