import { type NewRequest, pauseOf, requested } from '../../connector/control/requests.ts'
import { tellReplicas } from './simulated-replica.ts'
import type { World } from './world.ts'

/** An operator pauses the stream, or resumes it. */
export function pauseOrResume(world: World, stream: string): void {
  const isPaused = pauseOf(world.control.document, stream) !== undefined
  send(world, isPaused ? { kind: 'resume', stream } : { kind: 'pause', stream, reason: 'test' })
}

/** An operator has a client erased that the topic has. At-least-once: it may be unknown which content the topic has. */
export function eraseOne(world: World, stream: string, detail: number): void {
  if (world.options.delivery === 'at-least-once') return
  const published = world.kafka.committed.filter((record) => record.stream === stream && record.to === 'events')
  const client = published[detail % Math.max(1, published.length)]?.key ?? undefined
  if (client === undefined) return
  world.control.erasures.push({ stream, client })
  send(world, { kind: 'erase', stream, client, reason: 'test' })
}

function send(world: World, wanted: NewRequest): void {
  const { control } = world
  control.requests += 1
  const requester = { id: String(control.requests), by: 'operator', at: control.requests }
  control.document = requested(control.document, wanted, requester) ?? control.document
  tellReplicas(world)
}

export function resumeAll(world: World): void {
  for (const { name } of world.streams)
    if (pauseOf(world.control.document, name) !== undefined) pauseOrResume(world, name)
}
