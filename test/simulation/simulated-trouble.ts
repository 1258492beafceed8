import type { ErrorCode } from '../../connector/runtime/error-catalogue.ts'
import { restoreSegments } from './simulated-segments.ts'
import type { SimulatedStream } from './simulated-stream.ts'
import type { World } from './world.ts'

/** Trouble that holds a stream, until an operator ends it. */

/** The stored checkpoint is damaged. */
export function damageCheckpoint({ store, commands }: World, stream: SimulatedStream): void {
  const text = store.stored(stream.key)?.text
  if (text === undefined || stream.healthy !== undefined || commands.has(stream.name)) return
  stream.healthy = text
  stream.wasDamaged = true
  store.tamper(stream.key, '{')
}

/** The connector reports that a stream is held, which must have a cause: the operator ends the trouble, at any time. */
export function alerted(world: World, name: string, code: ErrorCode): void {
  const stream = world.streams.find((one) => one.name === name)
  if (stream === undefined || (world.options.permanentFault !== 'none' && stream === world.streams[0])) return
  const isExpected =
    (code === 'checkpoint.index-missing' && stream.expired.size > 0) ||
    (code === 'checkpoint.damaged' && stream.wasDamaged) ||
    (isCuredByReset(code) && stream.hasLostRecord)
  if (!isExpected) world.violations.push(`${name} is held: ${code}`)
  const settle = () => (isCuredByReset(code) ? world.operator.cure(stream) : heal(world, stream))
  world.enqueue({ replica: 'operator', stream: name, what: 'process', operation: 'heal', settle })
}

/** Nobody knows, or Kafka does not show, what was committed. */
const isCuredByReset = (code: ErrorCode) => code === 'checkpoint.undecided' || code === 'checkpoint.events-lost'

export function heal(world: World, stream: SimulatedStream): void {
  restoreSegments(world, stream)
  if (stream.healthy !== undefined) world.store.tamper(stream.key, stream.healthy)
  stream.healthy = undefined
  world.kafka.restore(world.expired.keys())
}
