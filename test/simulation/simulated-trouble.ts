import type { ErrorCode } from '../../connector/runtime/error-catalogue.ts'
import { startCommand } from './simulated-operator.ts'
import { restoreSegments } from './simulated-segments.ts'
import { DAMAGED, type SimulatedStream } from './simulated-stream.ts'
import type { World } from './world.ts'

/** Trouble that holds a stream, until an operator ends it. */

/** The stored checkpoint is damaged. */
export function damageCheckpoint({ store }: World, stream: SimulatedStream): void {
  const text = store.stored(stream.key)?.text
  if (text === undefined || text === DAMAGED) return
  stream.healthy = text
  stream.wasDamaged = true
  store.tamper(stream.key, DAMAGED)
}

/** The connector reports that a stream is held, which must have a cause: the operator ends the trouble, at any time. */
export function alerted(world: World, name: string, code: ErrorCode): void {
  const stream = world.streams.find((one) => one.name === name)
  if (stream === undefined || (world.options.permanentFault !== 'none' && stream === world.streams[0])) return
  const isMissing = code === 'checkpoint.index-damaged' && stream.expired.size > 0
  const isDamaged = code === 'checkpoint.damaged' && stream.wasDamaged
  const isUnknown = isCuredByRewind(code) && stream.hasLostRecord
  if (!isMissing && !isDamaged && !isUnknown) world.violations.push(`${name} is held: ${code}`)
  const settle = () => {
    world.operator.alerts += 1
    // What can be restored is so every second time.
    if (!isUnknown && world.operator.alerts % 2 === 0) heal(world, stream)
    else
      startCommand(
        world,
        stream,
        code === 'checkpoint.undecided' && world.operator.alerts % 2 === 0 ? 'choose' : 'begin',
      )
  }
  world.enqueue({ replica: 'operator', stream: name, what: 'process', operation: 'heal', settle })
}

/** Nobody knows, or Kafka does not show, what was committed. */
const isCuredByRewind = (code: ErrorCode) => code === 'checkpoint.undecided' || code === 'checkpoint.events-lost'

export function heal(world: World, stream: SimulatedStream): void {
  const { store } = world
  restoreSegments(world, stream)
  if (stream.healthy !== undefined && store.stored(stream.key)?.text === DAMAGED)
    store.tamper(stream.key, stream.healthy)
}
