import type { Bounds } from './bounds.ts'
import { type Protocol, UNIT_MS } from './protocol.ts'
import { IDLE, type Put, type Replica, type World } from './world.ts'

export interface Setting {
  readonly protocol: Protocol
  readonly bounds: Bounds
  /** A new nonce, producer or id of a wish. */
  readonly fresh: (kind: 'n' | 'p' | 'w') => string
}

/** A transition to the next state. */
export interface Step {
  readonly what: string
  /** The replica that takes the step; undefined: an operator, Kafka, S3 or time. */
  readonly by: number | undefined
  readonly world: World
}

/** A replica in a state of the world, for which the next steps are computed. */
export interface Context extends Setting {
  readonly world: World
  readonly by: number
  readonly replica: Replica
}

/** A step that changes the replica and, with `world`, other parts of the world. */
export function step(
  { world: before, by, replica }: Context,
  what: string,
  change: Partial<Replica>,
  world = before,
): Step {
  return { what, by, world: { ...world, replicas: world.replicas.with(by, { ...replica, ...change }) } }
}

/** A PUT that the replica sends, and waits for. */
export function write(context: Context, what: string, put: Omit<Put, 'expected'>, change: Partial<Replica> = {}): Step {
  const { world, replica, protocol } = context
  const isAny = put.purpose === 'claim' && protocol.claim === 'against any version'
  const sent: Put = { ...put, expected: isAny ? undefined : replica.version }
  return step(context, what, { ...change, phase: 'writing', put: sent }, { ...world, puts: [...world.puts, sent] })
}

export const mayPut = ({ world, bounds }: Context): boolean => world.puts.length < bounds.puts

/** The replica after a crash, or before it opens the stream again. */
export function idle({ ahead, kept }: Replica): Replica {
  return { ...IDLE, ahead, kept }
}

/** What the replica's clock shows, in ms since 1970. */
export const clockOf = ({ world, replica }: Context): number => (world.now + replica.ahead) * UNIT_MS
