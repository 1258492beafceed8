import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { eventSource } from '../../connector/event/client-event.ts'
import { tombstones } from '../../connector/event/cloud-event/event-form.ts'
import { partitionOf } from '../../connector/kafka/partitioner.ts'
import type { Destination } from '../../connector/publish/event-publisher.ts'
import { publishTombstones, tombstonePartitions } from '../../connector/publish/publish-tombstones.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import type { TextRecord } from '../support/records.ts'
import { never } from '../support/signals.ts'
import { type Actor, newActor } from './actor.ts'
import { storeOf } from './simulated-store.ts'
import { CONNECTOR, type SimulatedStream } from './simulated-stream.ts'
import type { World } from './world.ts'

/** A command of an operator that erases a client. */
export interface Erasure {
  /** Of its tombstones. */
  readonly id: string
  readonly stream: string
  readonly client: string
  /** In how many partitions it needs a tombstone. */
  partitions: number
  /** Whether the command ended with 0. */
  isErased: boolean
}

export const eraseName = (stream: string) => `erase ${stream}`

/** Starts the command for a client that the topic has, unless one is at work for the stream. */
export function startErase(world: World, stream: SimulatedStream, detail: number): void {
  const { kafka, commands, violations, erasures } = world
  const { name } = stream
  const published = kafka.committed.filter((record) => record.stream === name && record.to === 'events')
  const client = published[detail % Math.max(1, published.length)]?.key ?? undefined
  const command = eraseName(name)
  if (client === undefined || commands.has(command)) return
  const actor = newActor(world, `operator-${world.processes.size + 1}`)
  commands.set(command, actor)
  const { name: id, clock } = actor
  const erasure: Erasure = { id, stream: name, client, partitions: 0, isErased: false }
  erasures.push(erasure)
  const event = { type: 'client.erased', source: eventSource(CONNECTOR, name), clientId: client, id } as const
  const publisher = kafka.publisher({ connector: CONNECTOR, stream: name, replica: actor.name })
  const begun = storedDestination(world, stream, actor)
  const erase = async () => {
    const known = await begun
    const made = (destination: Destination) => {
      const { partitions } = destination
      erasure.partitions = known?.firstPartitions === partitions ? 1 : partitions
      const places = { ofKey: partitionOf(Buffer.from(client), partitions), seen: [] }
      return tombstones({ ...event, timeMs: clock.now() }, tombstonePartitions(destination, known, places))
    }
    await publishTombstones({ publisher, clock, tombstones: made }, never)
  }
  void erase()
    .then(() => {
      erasure.isErased = true
      world.eventKinds.add('client-erased')
    })
    .catch((error: unknown) => {
      if (codeOf(error) === 'bug') violations.push(`${name}: ${actor.name} failed: ${error}`)
      else world.eventKinds.add(`not erased: ${codeOf(error)}`)
    })
    .finally(() => commands.delete(command))
}

/** The topic of the stream, as the document says; undefined if it cannot be read. */
async function storedDestination(world: World, { name, key }: SimulatedStream, actor: Actor) {
  try {
    const stored = await storeOf(world, actor, { stream: name, key }).read(never)
    return stored && parseDocument(stored.text).destination
  } catch {
    return undefined
  }
}

/** The command of a tombstone, by the id of its event. */
export const isTombstoneOf = ({ id, stream, client }: Erasure, record: TextRecord & { readonly stream: string }) =>
  record.stream === stream && record.key === client && record.headers.ce_id === id
