import { type CheckpointDocument, parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import type { History } from './history.ts'
import type { SimulatedStream, StoredDocument } from './simulated-stream.ts'

export interface PublishedEvent {
  readonly id: string
  readonly source: string
  readonly subject: string
  readonly sequence: string
  readonly data: { readonly No: string; readonly Contenu: string }
}

/** Input of a check: one stream of a history. */
export interface Evidence {
  readonly history: History
  readonly stream: SimulatedStream
  /** The records of this stream, with their position (`at`) among all records. */
  readonly records: readonly (FakeRecord & { readonly at: number; readonly event: PublishedEvent })[]
  /** These and the tombstones, with their numbers. */
  readonly numbered: readonly (FakeRecord & { readonly number: number })[]
  readonly documents: readonly (StoredDocument & { readonly document: CheckpointDocument })[]
}

/** Returns what is violated, as text. */
export type Check = (evidence: Evidence) => string[]

export function evidenceOf(history: History, stream: SimulatedStream): Evidence {
  const own = history.records.map((record, at) => ({ ...record, at })).filter((record) => record.stream === stream.name)
  const records = own.flatMap((record) => (record.value === null ? [] : [{ ...record, event: eventIn(record.value) }]))
  const numbered = own.map((record) => ({ ...record, number: numberOf(record) }))
  const documents = stream.documents.flatMap((stored) => {
    return stored.text === '{' ? [] : [{ ...stored, document: parseDocument(stored.text) }]
  })
  return { history, stream, records, numbered, documents }
}

const eventIn = (value: string) => JSON.parse(value) as PublishedEvent

function numberOf(record: FakeRecord): number {
  return Number(record.value === null ? record.headers.ce_sequence : eventIn(record.value).sequence)
}
