import { cancelled } from '../../connector/control/republications.ts'
import { type NewRequest, openRequests, pauseOf, requested } from '../../connector/control/requests.ts'
import { clientKey, keyAsText } from '../../connector/index/index-entry.ts'
import type { WantedClients } from '../../connector/scan/scan-state.ts'
import { tellReplicas } from './simulated-replica.ts'
import type { World } from './world.ts'

/** An operator pauses the stream, or resumes it. */
export function pauseOrResume(world: World, stream: string): void {
  const isPaused = pauseOf(world.control.document, stream) !== undefined
  send(world, isPaused ? { kind: 'resume', stream } : { kind: 'pause', stream, reason: 'test' })
}

/** An operator has a client erased that the topic has. */
export function eraseOne(world: World, stream: string, detail: number): void {
  const published = world.kafka.committed.filter((record) => record.stream === stream && record.to === 'events')
  const client = published[detail % Math.max(1, published.length)]?.key ?? undefined
  if (client === undefined) return
  world.control.erasures.push({ stream, client })
  send(world, { kind: 'erase', stream, client, reason: 'test', force: false })
}

/** A request to publish again, and how it ended. */
export interface RequestedRepublication {
  readonly id: string
  readonly stream: string
  /** How many records of all streams were visible when it was requested. */
  readonly recordsBefore: number
  /** Undefined: all. */
  readonly clients: readonly string[] | undefined
  readonly outcome: string | undefined
}

const rates = [1_000, 1, 4]

/** An operator has all clients published again, or some of them, or cancels such a request. */
export function publishAgain(world: World, stream: string, detail: number): void {
  const { control, kafka, clock } = world
  const open = openRequests(control.document, stream).find(({ kind }) => kind === 'republish')
  if (open !== undefined && detail % 4 === 0) {
    const by = { by: 'operator', at: clock.now() }
    control.document = cancelled(control.document, open.id, by) ?? control.document
    tellReplicas(world)
    return
  }
  const clients =
    detail % 3 === 0 ? ['client-0', `client-${(detail % 5) + 1}`, ...(detail % 2 === 0 ? [] : ['nobody'])] : undefined
  const maxPerSecond = rates[detail % rates.length] ?? 1
  const wanted: WantedClients =
    clients === undefined
      ? { kind: 'all', maxPerSecond }
      : { kind: 'clients', keys: [...new Set(clients)].map((id) => keyAsText(clientKey(id))) }
  send(world, { kind: 'republish', stream, from: null, wanted })
  control.republications.push({ id: String(control.requests), stream, recordsBefore: kafka.committed.length, clients })
}

/** The requests with their ends; one whose record is gone counts as not complete. */
export function requestedRepublications({ control }: World): RequestedRepublication[] {
  return control.republications.map((one) => {
    const progress = control.document.requests.find(({ id }) => id === one.id)?.progress
    return { ...one, outcome: progress?.kind === 'done' ? progress.outcome : undefined }
  })
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
