import { z } from 'zod'
import { whenAborted } from '../runtime/abort.ts'
import type { Changes } from '../runtime/changes.ts'
import { type SourceTime, sourceTimePattern } from '../source/client-source.ts'

/** How a request ended that may end in several ways. */
const requestOutcome = z.enum(['complete', 'cancelled'])

/** A request that a stream has carried out, by its id. */
export const carriedOut = z.object({
  id: z.string(),
  outcome: requestOutcome.optional(),
  /** Of a request to publish again: see `RepublishProgress`; and the keys of the clients that the source did not return. */
  published: z.number().int().optional(),
  changed: z.number().int().optional(),
  missing: z.array(z.string()).readonly().optional(),
})
export type CarriedOut = z.infer<typeof carriedOut>

/**
 * Which clients an operator requests to be published again. `keys`: of the client index, in base64url, so that no client
 * id is stored.
 */
const wantedClients = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('all'), maxPerSecond: z.number().positive() }),
  z.object({ kind: z.literal('clients'), keys: z.array(z.string()).readonly() }),
])

/** What is published again. `from`: clients modified since; null: from the configured beginning of the stream. */
export const republicationShape = {
  from: z
    .string()
    .regex(sourceTimePattern)
    .transform((text) => text as SourceTime)
    .nullable(),
  wanted: wantedClients,
}

/** An operator requests that unchanged clients be published again. */
export interface Republication {
  readonly kind: 'republish'
  readonly id: string
  readonly from: SourceTime | null
  readonly wanted: z.infer<typeof wantedClients>
  readonly requestedBy: string
}

/** How far a request to publish again has come, by its id. */
export interface RepublishProgress {
  readonly id: string
  /** Clients published again so far: events with `republished`. */
  readonly published: number
  /** Changed clients that its scan was the first to find: published as changes. */
  readonly changed: number
  /** Clients read so far. */
  readonly clients: number
  /** Of what it is to read, 0 to 1; null: unknown. */
  readonly share: number | null
}

/** What a checkpoint keeps of the control object as its replica knew it: it is missed if it is deleted or rolled back. */
export const seenControl = z.object({
  revision: z.number().int().nonnegative(),
  /** The pause in force. */
  pause: z.object({ id: z.string(), reason: z.string(), requestedAt: z.number(), requestedBy: z.string() }).nullable(),
})
export type SeenControl = z.infer<typeof seenControl>

export type Cancelled = Pick<Republication, 'id' | 'kind'>

/** What operators have requested of a running stream. */
export interface StreamRequests {
  /**
   * The stream was opened: only what is read of the control object from now on counts. What was read before may be older
   * than the checkpoint, which knows what earlier owners have carried out.
   */
  opened(): void
  /** The requests that are not carried out yet, oldest first, as read last. */
  open(): readonly Republication[]
  /** The requests that an operator has cancelled, and whose end the control object does not show yet. */
  cancelled(): readonly Cancelled[]
  /** Whether the control object shows a request as carried out, or does not have it. */
  isRecorded(id: string): boolean
  /** What the checkpoint keeps of the control object; undefined: it was not read. */
  seen(): SeenControl | undefined
  /** As `Changes.until`: the condition is checked now and each time the requests were read. */
  readonly until: Changes['until']
  /** The stream has carried out these requests, if need be according to its checkpoint. May be called again. */
  carriedOut(requests: readonly CarriedOut[]): void
  /** The checkpoint of the stream shows that it has come so far. */
  progressed(progress: RepublishProgress): void
}

/** For a process that carries out no requests. */
export const noStreamRequests: StreamRequests = {
  opened: () => {},
  open: () => [],
  cancelled: () => [],
  isRecorded: () => false,
  seen: () => undefined,
  until: async (_, stop) => {
    await whenAborted(stop)
    return false
  },
  carriedOut: () => {},
  progressed: () => {},
}
