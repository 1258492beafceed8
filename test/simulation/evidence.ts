import { type CheckpointDocument, parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import type { Rewind } from '../../connector/checkpoint/wishes.ts'
import { EVENT_TYPE } from '../../connector/event/client-event.ts'
import { hashedId } from '../../connector/index/index-entry.ts'
import type { ClientValue } from '../../connector/source/client-source.ts'
import { clientText, eventIn } from '../support/cloud-event.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import type { TextRecord } from '../support/records.ts'
import type { History } from './history.ts'
import { DAMAGED, type SimulatedStream, type StoredDocument } from './simulated-stream.ts'

interface PublishedEvent {
  readonly type: string
  readonly id: string
  readonly source: string
  readonly subject: string
  readonly sequence: string
  readonly snapshot?: true | 'true'
  readonly historycomplete?: true | 'true'
  /** The rewind for which the client is published again. */
  readonly republished?: string
  readonly data: { readonly No: string; readonly Contenu: string; readonly Cartes: ClientValue }
  /** The JSON text of `data`. */
  readonly text: string
}

/** Input of a check: one stream of a history. */
export interface Evidence {
  readonly history: History
  readonly stream: SimulatedStream
  /** The records of this stream, with their position (`at`) among all records. */
  readonly records: readonly (FakeRecord & { readonly at: number; readonly event: PublishedEvent })[]
  /** The first event of each client in a transaction, also in one that was aborted. */
  readonly sent: readonly { readonly event: PublishedEvent; readonly after: number }[]
  /** How many records of all streams were visible when a stream began again, with a new index, each time. */
  readonly generations: readonly number[]
  /** Rewinds that asked for clients to be published again, as far as they are applied. */
  readonly republished: readonly Republishing[]
  /** All events with their numbers. */
  readonly numbered: readonly (FakeRecord & { readonly at: number; readonly number: number })[]
  readonly tombstones: readonly (FakeRecord & { readonly at: number })[]
  /** `replacesDamaged`: what was stored before could not be read. */
  readonly documents: readonly (StoredDocument & {
    readonly document: CheckpointDocument
    readonly replacesDamaged: boolean
  })[]
}

interface Republishing extends Pick<Rewind, 'id' | 'to'> {
  /** How many records of all streams were visible when it was applied. */
  readonly at: number
  /** By `hashedId`: their contents are unknown since. Undefined: all. */
  readonly clients: ReadonlySet<string> | undefined
}

/** Returns what is violated, as text. */
export type Check = (evidence: Evidence) => string[]

export function evidenceOf(history: History, stream: SimulatedStream): Evidence {
  const isOwn = (record: FakeRecord) => record.stream === stream.name && record.target === 'events'
  const own = history.records.flatMap((record, at) => (isOwn(record) ? [{ ...record, at }] : []))
  const records = own.flatMap((record) => {
    const event = publishedIn(record)
    return event?.type === EVENT_TYPE ? [{ ...record, event }] : []
  })
  const sent = stream.sent.flatMap(({ record, after }) => {
    const event = publishedIn(record)
    return event?.type === EVENT_TYPE ? [{ event, after }] : []
  })
  const isTombstone = ({ value }: FakeRecord) => value === null
  const numbered = own
    .filter((record) => !isTombstone(record))
    .map((record) => ({ ...record, number: numberOf(record) }))
  const tombstones = own.filter(isTombstone)
  const documents = stream.documents.flatMap((stored, index) => {
    const replacesDamaged = stream.documents[index - 1]?.text === DAMAGED
    return stored.text === DAMAGED ? [] : [{ ...stored, document: parseDocument(stored.text), replacesDamaged }]
  })
  const generations = documents.flatMap(({ document, recordsBefore }, index) => {
    const before = documents[index - 1]?.document.committed.state.index.generation
    return before === undefined || before === document.committed.state.index.generation ? [] : [recordsBefore]
  })
  const republished = documents.flatMap(({ document: { appliedRewind }, recordsBefore: at }, index) => {
    const isNew = appliedRewind !== documents[index - 1]?.document.appliedRewind
    const rewind = isNew && appliedRewind !== null ? stream.rewinds.get(appliedRewind) : undefined
    if (rewind === undefined || !rewind.republish) return []
    const { id, to, clients } = rewind
    return [{ id, to, at, clients: clients && new Set(clients) }]
  })
  return { history, stream, records, sent, numbered, tombstones, documents, generations, republished }
}

interface Between {
  readonly since: number
  readonly until?: number
}

/** Whether a rewind between two records asked for this client by its name, and made its content unknown. */
export function isNamed(
  { republished }: Pick<Evidence, 'republished'>,
  client: string,
  { since, until = Infinity }: Between,
): boolean {
  return republished.some(({ at, clients }) => since < at && at <= until && clients?.has(hashedId(client)) === true)
}

/** Whether a rewind between two records asked for this client, by its name or with all. */
export function isAskedFor(evidence: Pick<Evidence, 'republished'>, client: string, between: Between): boolean {
  const { since, until = Infinity } = between
  const isOfAll = evidence.republished.some(({ at, clients }) => since < at && at <= until && clients === undefined)
  return isOfAll || isNamed(evidence, client, between)
}

/** Of a record of the events topic; undefined for a dead letter. */
const publishedIn = (record: TextRecord): PublishedEvent | undefined =>
  record.target === 'events'
    ? ({ ...eventIn(record), text: clientText(record) } as unknown as PublishedEvent)
    : undefined

/** Of a record of the events topic. */
export function numberOf(record: TextRecord): number {
  return Number(eventIn(record).sequence)
}
