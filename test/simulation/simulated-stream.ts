import { type CheckpointDocument, parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import type { Rewind } from '../../connector/checkpoint/wishes.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import type { Scan } from '../../connector/scan/scan-state.ts'
import type { Page, ReadArguments } from '../../connector/source/client-source.ts'
import { checkpointKey } from '../../connector/storage/checkpoint-store-config.ts'
import type { TextRecord } from '../support/records.ts'
import type { HistoryOptions } from './history.ts'
import { type SimulatedPolaris, type SourceFault, simulatedPolaris } from './simulated-polaris.ts'

export const CONNECTOR = 'shop'
/** The text of an object that an operator has to restore or to replace. */
export const DAMAGED = '{'
export const ZONE = 'Europe/Paris'

/** One stream: its source, and everything that was ever read, sent and stored. */
export interface SimulatedStream {
  readonly name: string
  /** Of its checkpoint in the store. */
  readonly key: string
  readonly polaris: SimulatedPolaris
  /** Changes a client now, to new content or (`back`) to content that it had before. */
  change(client: number, how?: { readonly back?: boolean; readonly lateMs?: number }): void
  /** Deletes a client, or returns a deleted one as it was. */
  deleteOrReturn(client: number): void
  /** How many of its changes must be published at the end. */
  requiredChanges: number
  readonly reads: Read[]
  /** Sent in any transaction, committed or not. */
  readonly sent: SentRecord[]
  readonly documents: StoredDocument[]
  /** Segments that a rule of the bucket removed, with their bytes. */
  readonly expired: Map<string, Uint8Array>
  /** The stored checkpoint before it was damaged; undefined: it is not damaged. */
  healthy: string | undefined
  wasDamaged: boolean
  /** Kafka may have lost its commit record: then nobody may know whether its last transaction was committed. */
  hasLostRecord: boolean
  /** While an operator was told that the stream is paused: how many records of all streams were visible. */
  readonly pauses: { readonly from: number; until: number }[]
  /** The rewinds that were stored as wishes, by their ids. */
  readonly rewinds: Map<string, Rewind>
}

/**
 * How many records of all streams were visible when a rewind cured a hold: a state of which nobody knew whether it was
 * valid was replaced, and events are numbered on. Undefined: that never happened.
 */
export function curedAt({ documents }: Pick<SimulatedStream, 'documents'>): number | undefined {
  let before: CheckpointDocument | undefined
  return documents.find(({ text }) => {
    if (text === DAMAGED) return false
    const document = parseDocument(text)
    // A rewind whose wish was not cleared cures once more if the same damage comes back.
    const isNew =
      document.appliedRewind !== (before?.appliedRewind ?? null) ||
      document.claim.epoch > (before?.claim.epoch ?? 0) + 1
    const isCured = isNew && isReplaced(document, before)
    before = document
    return isCured
  })?.recordsBefore
}

/** A claim keeps the state that was valid, but for what a rewind asks for. */
function isReplaced({ committed, claim }: CheckpointDocument, before: CheckpointDocument | undefined): boolean {
  if (before === undefined || committed.epoch === claim.epoch) return committed.state.nextEvent > 0
  const isUndecided = before.pending !== null && committed.nonce === before.committed.nonce
  return isUndecided && committed.state.nextEvent > before.committed.state.nextEvent
}

/** The first record of a client in a transaction. */
export interface SentRecord {
  readonly record: TextRecord
  /** Place of the client's last visible record at that time; -1: there was none. */
  readonly after: number
}

/** A request that the source answered. */
export interface Read {
  readonly replica: string
  /** With the number of the scan. */
  readonly at: ReadArguments & Pick<Scan, 'number'>
  /** How many records of all streams were visible when the request began. */
  readonly recordsBefore: number
  /** How many changes of its clients were visible when it was answered, and which claim was stored then. */
  readonly changesBefore: number
  readonly claim: string
  /** Absent: the request failed, or the token was rejected. */
  page?: Page
}

export interface StoredDocument {
  readonly text: string
  /** How many records of all streams were visible when it was stored. */
  readonly recordsBefore: number
}

export function simulatedStream(
  number: number,
  { clients, scans, order, modificationTime }: HistoryOptions,
  parts: {
    readonly clock: Pick<Clock, 'now'>
    readonly date: () => number | undefined
    readonly records: () => number
    readonly fault: (stream: string, replica: string) => Promise<SourceFault>
  },
): SimulatedStream {
  const name = `clients-${number}`
  const polaris = simulatedPolaris({
    scans,
    order,
    modificationTime,
    now: parts.clock.now,
    timeZone: ZONE,
    date: parts.date,
    records: parts.records,
    fault: async (replica) => {
      const fault = await parts.fault(name, replica)
      return fault === 'trouble' && !hasReadPages() ? 'fail' : fault
    },
  })
  const documents: StoredDocument[] = []
  /** Whether the stream that opens now knows that it has read pages. */
  const hasReadPages = () => /"createdAt":\d/.test(documents.at(-1)?.text ?? '')
  const change: SimulatedStream['change'] = (client, { back = false, lateMs = 0 } = {}) => {
    const clientId = `client-${client % clients}`
    const versions = polaris.changes.filter((one) => one.clientId === clientId).length
    polaris.change({ clientId, content: `${name} v${back && versions > 1 ? versions - 1 : versions + 1}`, lateMs })
  }
  // Only the backfill finds every second one.
  for (let client = 0; client < clients; client += 1)
    change(client, { lateMs: client % 2 === 0 ? 0 : client * 86_400_000 })
  return {
    name,
    key: checkpointKey(CONNECTOR, name),
    polaris,
    change,
    requiredChanges: 0,
    deleteOrReturn: (client) => polaris.deleteOrReturn(`client-${client % clients}`),
    reads: [],
    sent: [],
    documents,
    expired: new Map(),
    healthy: undefined,
    wasDamaged: false,
    hasLostRecord: false,
    pauses: [],
    rewinds: new Map(),
  }
}
