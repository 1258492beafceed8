import type { z } from 'zod'
import type { StreamCheckpoint } from '../../checkpoint/stream-checkpoint.ts'
import type { StreamRequests } from '../../control/stream-requests.ts'
import type { ReadClient } from '../../event/read-client.ts'
import type { ClientKey, IndexEntry } from '../../index/index-entry.ts'
import type { Changes } from '../../runtime/changes.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { problemPlaces } from '../../runtime/stored-document.ts'
import type { RequestedScan } from '../../scan/requested-scan.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import type { Scan } from '../../scan/scan-state.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { isCarriedOut, type OpenGroup } from '../group/open-group.ts'
import type { Observe, PipelineEvent } from '../pipeline-event.ts'
import type { PageReading } from '../read/page-reading.ts'

/**
 * Something that the pipeline does besides copying pages. It lives as long as the stream runs on this replica; each
 * opening of the stream has a part of it.
 */
export interface Feature {
  /** Names its state in the checkpoint. */
  readonly name: string
  /** Throws `checkpoint.damaged` if it cannot read its stored state. */
  open(stream: OpenedStream): Part
}

/** What a part knows of its stream. */
export interface OpenedStream {
  readonly group: OpenGroup
  /** What this part has stored; undefined: nothing. */
  readonly stored: unknown
  readonly checkpoint: Pick<StreamCheckpoint, 'state' | 'table'>
  readonly requests: StreamRequests
  readonly scanSettings: ScanSettings
  readonly beginAt: SourceTime
  readonly clock: Clock
  readonly observe: Observe
}

/** A feature while the stream is open. All but its name is optional. */
export interface Part {
  readonly name: string
  readonly scans?: WantedScans
  beginPage?(reading: PageReading): void
  /** Called for each client of a page. Returns the id of the request for which it is published though unchanged. */
  returned?(client: KnownClient, scan: Scan): string | undefined
  /** An event of a client was added to the group. */
  published?(client: KnownClient, scan: Scan, as: 'changed' | 'again'): void
  /** Called after the last client of a page. */
  endPage?(reading: PageReading): void
  /** The group is complete. Returns what the part has added; undefined: nothing. */
  finish?(): FinishedPart | undefined
  /** What it stores with each group. */
  state?(): unknown
}

/** A client, with its entry before the page; undefined: none. */
export interface KnownClient {
  readonly key: ClientKey
  readonly client: ReadClient
  readonly known: IndexEntry | undefined
}

/** Scans that operators request of a part. One runs at a time. */
export interface WantedScans {
  /** The scan that is to begin. `isRead`: whether all pages of the scan for a request were read. */
  next(isRead: (request: string) => boolean): RequestedScan | undefined
  /** Whether the scan for a request is to go on. */
  isWanted(request: string): boolean
  /** As `Changes.until`: the condition is checked now and each time that `next` may have changed. */
  readonly until: Changes['until']
}

/** What a part has added to a group. */
export interface FinishedPart {
  /** Reported once the group is delivered. */
  readonly events: readonly PipelineEvent[]
  /** Called once the group is delivered. */
  delivered(): void
}

/** Parses what a part has stored. Throws `checkpoint.damaged`. Never guesses. */
export function parsedState<State>(name: string, schema: z.ZodType<State>, stored: unknown): State {
  const parsed = schema.safeParse(stored)
  if (parsed.success) return parsed.data
  const where = problemPlaces(parsed.error, [name])
  throw new ConnectorError('checkpoint.damaged', `read checkpoint: invalid state of a part at ${where}`)
}

/** Whether one of the parts wants the scan for a request. */
export const isWantedBy = (parts: readonly Pick<Part, 'scans'>[]) => (request: string) =>
  parts.some(({ scans }) => scans?.isWanted(request) ?? false)

/** Whether a request is carried out, cancelled or gone. The reader may still read pages for it. */
export function hasEnded({ group, requests }: Pick<OpenedStream, 'group' | 'requests'>): (id: string) => boolean {
  return (id) => isCarriedOut(group, id) || requests.isRecorded(id) || requests.cancelled().some((one) => one.id === id)
}
