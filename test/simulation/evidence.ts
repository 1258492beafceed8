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
  readonly documents: readonly (StoredDocument & { readonly document: CheckpointDocument })[]
}

/** Returns what is violated, as text. */
export type Check = (evidence: Evidence) => string[]

export function evidenceOf(history: History, stream: SimulatedStream): Evidence {
  const records = history.records
    .map((record, at) => ({ ...record, at, event: JSON.parse(String(record.value)) as PublishedEvent }))
    .filter((record) => record.stream === stream.name)
  const documents = stream.documents.flatMap((stored) => {
    return stored.text === '{' ? [] : [{ ...stored, document: parseDocument(stored.text) }]
  })
  return { history, stream, records, documents }
}
