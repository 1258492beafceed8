import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import type { Rewind } from '../../connector/checkpoint/wishes.ts'
import { eventSource } from '../../connector/event/client-event.ts'
import { tombstones } from '../../connector/event/cloud-event/event-form.ts'
import { hashedId } from '../../connector/index/index-entry.ts'
import { type RemovalParts, removeGone } from '../../connector/inspect/audit/remove-gone.ts'
import { partitionOf } from '../../connector/kafka/partitioner.ts'
import type { Destination } from '../../connector/publish/event-publisher.ts'
import { publishTombstones, tombstonePartitions } from '../../connector/publish/publish-tombstones.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import { wallClock } from '../../connector/source/source-time.ts'
import { wishesKey } from '../../connector/storage/checkpoint-store-config.ts'
import type { TextRecord } from '../support/records.ts'
import { never } from '../support/signals.ts'
import { type Actor, newActor, storeReady } from './actor.ts'
import { storeOf } from './simulated-store.ts'
import { CONNECTOR, type SimulatedStream, ZONE } from './simulated-stream.ts'
import type { World } from './world.ts'

/** A command of an operator that erases a client. */
export interface Erasure {
  /** Of its tombstones. */
  readonly id: string
  readonly stream: string
  readonly client: string
  /** In how many partitions it needs a tombstone. */
  partitions: number
  /** Whether the tombstones are in the topic. */
  isErased: boolean
  /** Whether the client was gone from the source, and the command has stored both rewinds. */
  isRemoved: boolean
}

export const eraseName = (stream: string) => `erase ${stream}`

/**
 * Starts the command for a client that the topic has, unless one is at work for the stream: `erase` or, for a client that is
 * gone from the source, `audit --remove-gone`.
 */
export function startErase(world: World, stream: SimulatedStream, detail: number): void {
  const { kafka, commands, violations, erasures } = world
  const { name } = stream
  const published = kafka.committed.filter((record) => record.stream === name && record.target === 'events')
  const client = published[detail % Math.max(1, published.length)]?.key ?? undefined
  const command = eraseName(name)
  if (client === undefined || commands.has(command)) return
  const actor = newActor(world, `operator-${world.processes.size + 1}`)
  commands.set(command, actor)
  const { name: id, clock } = actor
  const erasure: Erasure = { id, stream: name, client, partitions: 0, isErased: false, isRemoved: false }
  erasures.push(erasure)
  const isGone = stream.polaris.deletions.some(({ clientId, endsAt }) => clientId === client && endsAt === undefined)
  const type = isGone ? 'client.removed' : 'client.erased'
  const publisher = kafka.publisher({ connector: CONNECTOR, stream: name, replica: actor.name })
  const erase = async () => {
    const known = (await storedDocument(world, stream, actor))?.destination
    const made = (destination: Destination) => {
      const { partitions } = destination
      erasure.partitions = known?.firstPartitions === partitions ? 1 : partitions
      const places = { ofKey: partitionOf(Buffer.from(client), partitions), seen: [] }
      return tombstones(
        { type, source: eventSource(CONNECTOR, name), clientId: client, id, timeMs: clock.now() },
        tombstonePartitions(destination, known, places),
      )
    }
    await publishTombstones({ publisher, clock, tombstones: made }, never)
    erasure.isErased = true
    world.eventKinds.add(type)
  }
  const remove = async () => {
    const { kind } = await removeGone(removalParts(world, stream, actor, erase), rewindFor(client, clock.now()), never)
    erasure.isRemoved = kind === 'done'
    world.eventKinds.add(`removal ${kind}`)
  }
  void (isGone ? remove() : erase())
    .catch((error: unknown) => {
      if (codeOf(error) === 'bug') violations.push(`${name}: ${actor.name} failed: ${error}`)
      else world.eventKinds.add(`not erased: ${codeOf(error)}`)
    })
    .finally(() => commands.delete(command))
}

/** Of an audit that began at this time. */
function rewindFor(client: string, startedAt: number): Omit<Rewind, 'id'> {
  return { to: wallClock(startedAt, ZONE), republish: true, confirmedDocument: null, clients: [hashedId(client)] }
}

function removalParts(world: World, stream: SimulatedStream, actor: Actor, erase: () => Promise<void>): RemovalParts {
  return {
    object: storeOf(world, actor, { stream: stream.name, key: wishesKey(stream.key) }),
    newNonce: actor.newNonce,
    storeReady: storeReady(actor),
    readAppliedRewind: async () => (await storedDocument(world, stream, actor))?.appliedRewind ?? null,
    erase,
  }
}

/** Undefined if it cannot be read. */
async function storedDocument(world: World, { name, key }: SimulatedStream, actor: Actor) {
  try {
    const stored = await storeOf(world, actor, { stream: name, key }).read(never)
    return stored && parseDocument(stored.text)
  } catch {
    return undefined
  }
}

/** The command of a tombstone, by the id of its event. */
export const isTombstoneOf = ({ id, stream, client }: Erasure, record: TextRecord & { readonly stream: string }) =>
  record.stream === stream && record.key === client && record.headers.ce_id === id
