import type { ErrorCode } from '../../connector/runtime/error-catalogue.ts'
import { erasuresKey } from '../../connector/storage/checkpoint-store-config.ts'
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

/** The erasure marks are deleted, or damaged until an operator restores them. */
export function loseMarks(world: World, stream: SimulatedStream, detail: number): void {
  const { store, commands } = world
  const key = erasuresKey(stream.key)
  const text = store.stored(key)?.text
  if (text === undefined || stream.healthyMarks !== undefined || commands.has(stream.name)) return
  stream.hasLostMarks = true
  store.tamper(key, detail % 2 === 0 ? undefined : '{')
  if (detail % 2 === 0) return
  stream.healthyMarks = text
  const settle = () => healMarks(world, stream)
  world.enqueue({ replica: 'operator', stream: stream.name, what: 'process', operation: 'heal marks', settle })
}

function healMarks({ store }: Pick<World, 'store'>, stream: SimulatedStream): void {
  if (stream.healthyMarks !== undefined) store.tamper(erasuresKey(stream.key), stream.healthyMarks)
  stream.healthyMarks = undefined
}

/** The connector reports that a stream is held, which must have a cause: the operator ends the trouble, at any time. */
export function alerted(world: World, name: string, code: ErrorCode): void {
  const stream = world.streams.find((one) => one.name === name)
  if (stream === undefined || (world.options.permanentFault !== 'none' && stream === world.streams[0])) return
  const isExpected =
    (code === 'checkpoint.index-missing' && stream.expired.size > 0) ||
    (code === 'checkpoint.damaged' && stream.wasDamaged) ||
    (code === 'checkpoint.erasures-damaged' && stream.hasLostMarks) ||
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
  healMarks(world, stream)
}
