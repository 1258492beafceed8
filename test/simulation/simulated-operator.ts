import { cancelled, type NewRequest, openRequests, pauseOf, requested } from '../../connector/control/requests.ts'
import type { Republication } from '../../connector/control/stream-requests.ts'
import { clientKey, keyAsText } from '../../connector/index/index-entry.ts'
import { changeControl, storedControl } from './simulated-control.ts'
import type { World } from './world.ts'

/** An operator pauses the stream, or resumes it. */
export async function pauseOrResume(world: World, stream: string): Promise<void> {
  const isPaused = pauseOf(storedControl(world), stream) !== undefined
  await send(world, isPaused ? { kind: 'resume', stream } : { kind: 'pause', stream, reason: 'test' })
}

/** False if no such request is open. */
async function cancelOpen(world: World, stream: string): Promise<boolean> {
  const [open] = openRequests(storedControl(world), stream)
  if (open === undefined) return false
  const by = { by: 'operator', at: world.clock.now() }
  await changeControl(world, (document) => cancelled(document, open.id, by))
  return true
}

/** A request to publish again, and how it ended. */
export interface RequestedRepublication {
  readonly id: string
  readonly stream: string
  /** How many records of all streams were visible when it was requested. */
  readonly recordsBefore: number
  /** The same when its end was reported. */
  readonly recordsAtEnd: number
  /** Undefined: all. */
  readonly clients: readonly string[] | undefined
  readonly outcome: string | undefined
}

const rates = [1_000, 1, 4]

/** An operator has all clients published again, or some of them, or cancels such a request. */
export async function publishAgain(world: World, stream: string, detail: number): Promise<void> {
  const { control, kafka } = world
  if (detail % 4 === 0 && (await cancelOpen(world, stream))) return
  const clients =
    detail % 3 === 0 ? ['client-0', `client-${(detail % 5) + 1}`, ...(detail % 2 === 0 ? [] : ['nobody'])] : undefined
  const maxPerSecond = rates[detail % rates.length] ?? 1
  const wanted: Republication['wanted'] =
    clients === undefined
      ? { kind: 'all', maxPerSecond }
      : { kind: 'clients', keys: [...new Set(clients)].map((id) => keyAsText(clientKey(id))) }
  const id = await send(world, { kind: 'republish', stream, from: null, wanted })
  control.republications.push({ id, stream, recordsBefore: kafka.committed.length, clients })
}

/** The requests with their ends; one whose record is gone counts as not complete. */
export function requestedRepublications(world: World): RequestedRepublication[] {
  const { republications, republished } = world.control
  return republications.map((one) => {
    const recordsAtEnd = republished.get(one.id) ?? Number.POSITIVE_INFINITY
    return { ...one, recordsAtEnd, outcome: outcomeOf(world, one.id) }
  })
}

function outcomeOf(world: World, request: string): string | undefined {
  const progress = storedControl(world).requests.find(({ id }) => id === request)?.progress
  return progress?.kind === 'done' ? progress.outcome : world.control.outcomes.get(request)
}

/** An operator has the stream checked, if it is held. */
export async function requestCheck(world: World, stream: string): Promise<void> {
  await send(world, { kind: 'check', stream })
}

/** Resolves to the id of the request. */
async function send(world: World, wanted: NewRequest): Promise<string> {
  const id = String(world.control.changes + 1)
  await changeControl(world, (document) => requested(document, wanted, { id, by: 'operator', at: world.clock.now() }))
  return id
}

export async function resumeAll(world: World): Promise<void> {
  for (const { name } of world.streams)
    if (pauseOf(storedControl(world), name) !== undefined) await pauseOrResume(world, name)
}
