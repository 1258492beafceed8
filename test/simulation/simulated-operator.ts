import { noRequests } from '../../connector/control/control-document.ts'
import { type NewRequest, pauseOf, requested } from '../../connector/control/requests.ts'
import { isAlive } from './simulated-replica.ts'
import type { World } from './world.ts'

/** An operator pauses the stream, or resumes it. */
export function pauseOrResume(world: World, stream: string): void {
  const { control, replicas } = world
  const isPaused = pauseOf(control.document, stream) !== undefined
  const wanted: NewRequest = isPaused ? { kind: 'resume', stream } : { kind: 'pause', stream, reason: 'test' }
  control.requests += 1
  const requester = { id: String(control.requests), by: 'operator', at: control.requests }
  control.document = requested(control.document, wanted, requester) ?? noRequests
  for (const replica of replicas.filter(isAlive)) {
    const settle = () => replica.process.whenRunning(() => replica.control.learn(control.document))
    world.enqueue({ replica: replica.name, stream: '', what: 'process', operation: 'read control object', settle })
  }
}

export function resumeAll(world: World): void {
  for (const { name } of world.streams)
    if (pauseOf(world.control.document, name) !== undefined) pauseOrResume(world, name)
}
