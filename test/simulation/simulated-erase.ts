import { eventSource } from '../../connector/event/client-event.ts'
import { tombstones } from '../../connector/event/cloud-event/event-form.ts'
import { publishTombstones } from '../../connector/publish/publish-tombstones.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import type { TextRecord } from '../support/records.ts'
import { never } from '../support/signals.ts'
import { newActor } from './actor.ts'
import { CONNECTOR } from './simulated-stream.ts'
import type { World } from './world.ts'

/** A command of an operator that erases a client. */
export interface Erasure {
  /** Of its tombstones. */
  readonly id: string
  readonly stream: string
  readonly client: string
  readonly partitions: number
  /** Whether the command ended with 0. */
  isErased: boolean
}

export const eraseName = (stream: string) => `erase ${stream}`

const PARTITIONS = 3

/** Starts the command for a client that the topic has, unless one is at work for the stream. */
export function startErase(world: World, stream: string, detail: number): void {
  const { kafka, commands, violations, erasures } = world
  const published = kafka.committed.filter((record) => record.stream === stream && record.to === 'events')
  const client = published[detail % Math.max(1, published.length)]?.key ?? undefined
  const name = eraseName(stream)
  if (client === undefined || commands.has(name)) return
  const actor = newActor(world, `operator-${world.processes.size + 1}`)
  commands.set(name, actor)
  const { name: id, clock } = actor
  const erasure: Erasure = { id, stream, client, partitions: PARTITIONS, isErased: false }
  erasures.push(erasure)
  const event = { type: 'client.erased', source: eventSource(CONNECTOR, stream), clientId: client, id } as const
  const publisher = kafka.publisher({ connector: CONNECTOR, stream, replica: actor.name })
  const made = (partitions: number) => tombstones({ ...event, timeMs: clock.now() }, partitions)
  void publishTombstones({ publisher, clock, tombstones: made }, never)
    .then(() => {
      erasure.isErased = true
      world.eventKinds.add('client-erased')
    })
    .catch((error: unknown) => {
      if (codeOf(error) === 'bug') violations.push(`${stream}: ${actor.name} failed: ${error}`)
      else world.eventKinds.add(`not erased: ${codeOf(error)}`)
    })
    .finally(() => commands.delete(name))
}

/** The command of a tombstone, by the id of its event. */
export const isTombstoneOf = ({ id, stream, client }: Erasure, record: TextRecord & { readonly stream: string }) =>
  record.stream === stream && record.key === client && record.headers.ce_id === id
