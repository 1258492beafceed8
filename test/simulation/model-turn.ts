import { changed, type Setting, type Step } from './model-messages.ts'
import { type Agent, HOUR, type Put, type World } from './model-world.ts'

/** One agent at one moment, and what is decided for it. */
export interface Turn {
  readonly world: World
  readonly by: number
  readonly agent: Agent
  readonly setting: Setting
}

/** The agent becomes another, and perhaps the rest of the world does too. */
export function step({ world, by }: Turn, what: string, agent: Agent, change: Partial<World> = {}): Step {
  return { what, by, world: { ...world, agents: changed(world.agents, by, () => agent), ...change } }
}

/** A PUT that the agent sends and then waits for. */
export interface Writing {
  readonly agent: Agent
  readonly purpose: Put['purpose']
  readonly document: Put['document']
  readonly isConditional?: boolean
}

export function write(turn: Turn, what: string, { agent, purpose, document, isConditional = true }: Writing): Step {
  const put: Put = { document, expected: isConditional ? agent.version : undefined, purpose }
  return step(turn, what, { ...agent, phase: 'writing', put }, { puts: [...turn.world.puts, put] })
}

export function stampOf({ world, agent, setting }: Turn) {
  return { nonce: setting.newNonce(), at: (world.now + agent.clockAhead) * HOUR }
}
