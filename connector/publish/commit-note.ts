import { ConnectorError } from '../runtime/connector-error.ts'
import type { FoundNote, Note } from './event-publisher.ts'
import { type Cluster, type Coordinator, type CoordinatorFinder, GROUP_COORDINATOR } from './kafkajs/kafka-cluster.ts'
import { hasUnstableOffset } from './unstable-offset.ts'

/** Where the note is: the offset of this group for partition 0 of the events topic. */
export interface NotePlace {
  readonly group: string
  readonly topic: string
}

/** What `sendOffsets` takes to make the note part of the transaction. */
export function noteOffsets(place: NotePlace, note: Note) {
  const metadata = JSON.stringify({ epoch: note.epoch, seq: note.seq, nonce: note.nonce })
  const partitions = [{ partition: 0, offset: String(note.seq), metadata }]
  return { consumerGroupId: place.group, topics: [{ topic: place.topic, partitions }] }
}

/** The note as the broker has it now, of whom `knows`, or else any broker, names as its keeper. One try. */
export async function fetchNote(cluster: Cluster, place: NotePlace, knows?: CoordinatorFinder): Promise<FoundNote> {
  const { group, topic } = place
  const coordinator = await keeperOf(cluster, group, knows)
  const isHanging = await hasUnstableOffset(coordinator, place)
  const asked = [{ topic, partitions: [{ partition: 0 }] }]
  const { responses } = await coordinator.offsetFetch({ groupId: group, topics: asked })
  const stored = responses[0]?.partitions[0]
  const note = stored === undefined || stored.offset === '-1' ? undefined : parseNote(place, stored)
  return { note, isHanging }
}

async function keeperOf(cluster: Cluster, groupId: string, knows?: CoordinatorFinder): Promise<Coordinator> {
  const of = { groupId, coordinatorType: GROUP_COORDINATOR } as const
  if (knows === undefined) return await cluster.findGroupCoordinator(of)
  const { coordinator } = await knows.findGroupCoordinator(of)
  await cluster.refreshMetadata()
  return await cluster.findBroker({ nodeId: coordinator.nodeId })
}

/** Throws `checkpoint.unknown-format` for an offset that this connector did not write. */
export function parseNote(place: NotePlace, stored: { offset: string; metadata: string | null }): Note {
  const note = parsedJson(stored.metadata ?? '')
  if (isNote(note) && String(note.seq) === stored.offset) return { epoch: note.epoch, seq: note.seq, nonce: note.nonce }
  throw new ConnectorError(
    'checkpoint.unknown-format',
    `read the note in group ${place.group}: not a note of this connector`,
  )
}

function isNote(value: unknown): value is Note {
  if (typeof value !== 'object' || value === null) return false
  const { epoch, seq, nonce }: { epoch?: unknown; seq?: unknown; nonce?: unknown } = value
  return Number.isSafeInteger(epoch) && Number.isSafeInteger(seq) && typeof nonce === 'string'
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
