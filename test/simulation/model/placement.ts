import { changed, type Setting, type Step } from './environment.ts'
import type { Protocol } from './protocol.ts'
import type { Agent, World } from './world.ts'

/** The placement may assign the stream to any replica or revoke it, regardless of the other replicas. */
export function placementSteps(world: World, { protocol }: Setting): Step[] {
  if (world.assignmentChanges === 0) return []
  const assignmentChanges = world.assignmentChanges - 1
  return [...world.agents.entries()]
    .filter(([, { role }]) => role === 'replica')
    .map(([by, { isAssigned }]) => {
      const what = isAssigned ? 'loses its assignment' : 'is assigned the stream'
      return {
        what,
        by,
        world: {
          ...world,
          assignmentChanges,
          agents: changed(world.agents, by, afterAssignment(!isAssigned, protocol)),
        },
      }
    })
}

/** The agent after a new assignment. */
export const afterAssignment =
  (isAssigned: boolean, { lostStream }: Protocol) =>
  (agent: Agent) => ({
    ...{ ...agent, isAssigned, isLost: false },
    isReassigned: lostStream === 'waits for a newer assignment' && isAssigned && agent.phase !== 'idle',
  })
