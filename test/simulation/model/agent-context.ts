import { changed, type Setting, type Step } from './environment.ts'
import { type Agent, HOUR, type Put, type World } from './world.ts'

/** An agent in a state of the world, for which the next steps are computed. */
export interface AgentContext {
  readonly world: World
  readonly by: number
  readonly agent: Agent
  readonly setting: Setting
}

/** A step that replaces the agent and, with `change`, other parts of the world. */
export function step({ world, by }: AgentContext, what: string, agent: Agent, change: Partial<World> = {}): Step {
  return { what, by, world: { ...world, agents: changed(world.agents, by, () => agent), ...change } }
}

/** A PUT that the agent sends, with the agent as it is while it waits. */
export interface Writing {
  readonly agent: Agent
  readonly purpose: Put['purpose']
  readonly document: Put['document']
  readonly isConditional?: boolean
}

export function write(
  context: AgentContext,
  what: string,
  { agent, purpose, document, isConditional = true }: Writing,
): Step {
  const put: Put = { document, expected: isConditional ? agent.version : undefined, purpose }
  return step(context, what, { ...agent, phase: 'writing', put }, { puts: [...context.world.puts, put] })
}

export function stampOf({ world, agent, setting }: AgentContext) {
  return { nonce: setting.newNonce(), at: (world.now + agent.clockAhead) * HOUR }
}
