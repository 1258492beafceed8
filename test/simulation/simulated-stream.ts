import type { OutgoingRecord } from '../../connector/publish/event-publisher.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import type { Page, ReadArguments } from '../../connector/source/client-source.ts'
import { checkpointKey } from '../../connector/storage/checkpoint-store-config.ts'
import { type FakePolaris, fakePolaris, type SourceFault } from '../support/fake-client-source.ts'
import type { HistoryOptions } from './history.ts'

export const CONNECTOR = 'shop'
export const ZONE = 'Europe/Paris'
const CLIENTS = 4

/** One stream: its source, and everything that was ever asked, sent and stored. */
export interface SimulatedStream {
  readonly name: string
  /** Where its checkpoint is stored. */
  readonly key: string
  readonly polaris: FakePolaris
  /** Changes a client now: to a content that the stream never had, or back to an older one. */
  change(client: number, back?: boolean): void
  /** So many of its changes must have been told at the end. */
  changesDue: number
  readonly reads: Read[]
  /** Records that were given to a transaction, committed or not. */
  readonly sent: OutgoingRecord[]
  readonly documents: StoredDocument[]
}

/** A request that the source answered. */
export interface Read {
  readonly replica: string
  readonly at: ReadArguments
  /** Absent: it failed, or the token was refused. */
  page?: Page
}

export interface StoredDocument {
  readonly text: string
  /** How many records were visible, of all streams, when it was stored. */
  readonly recordsBefore: number
}

export function simulatedStream(
  number: number,
  options: HistoryOptions,
  parts: {
    readonly clock: Pick<Clock, 'now'>
    readonly fault: (stream: string, replica: string) => Promise<SourceFault>
  },
): SimulatedStream {
  const name = `clients-${number}`
  const polaris = fakePolaris({
    now: parts.clock.now,
    timeZone: ZONE,
    modificationTime: options.modificationTime,
    fault: (_at, replica) => parts.fault(name, replica),
  })
  const change = (client: number, back = false) => {
    const id = `client-${client % CLIENTS}`
    const versions = polaris.changes.filter(({ clientId }) => clientId === id).length
    polaris.change(id, `${name} v${back && versions > 1 ? versions - 1 : versions + 1}`)
  }
  for (let client = 0; client < CLIENTS; client += 1) change(client)
  return {
    name,
    key: checkpointKey(CONNECTOR, name),
    polaris,
    change,
    changesDue: 0,
    reads: [],
    sent: [],
    documents: [],
  }
}
