import { z } from 'zod'
import { whenAborted } from '../runtime/abort.ts'
import type { Changes } from '../runtime/changes.ts'

/** How a request ended that may end in several ways. `never-published`: the client index had no such client. */
export const requestOutcome = z.enum(['erased', 'never-published'])

/** A request that a stream has carried out, by its id. */
export const carriedOut = z.object({ id: z.string(), outcome: requestOutcome.optional() })
export type CarriedOut = z.infer<typeof carriedOut>

/** An operator requests that a client be deleted from the topic. */
export interface Erasure {
  readonly kind: 'erase'
  readonly id: string
  /** The client id. */
  readonly client: string
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly requestedAt: number
  readonly requestedBy: string
}

/** What operators have requested of a running stream. */
export interface StreamRequests {
  /** The requests that are not carried out yet, oldest first, as read last. */
  open(): readonly Erasure[]
  /** As `Changes.until`: the condition is checked now and each time the requests were read. */
  readonly until: Changes['until']
  /** The checkpoint of the stream shows that it has carried out these requests. May be called again. */
  carriedOut(requests: readonly CarriedOut[]): void
}

/** For a process that carries out no requests. */
export const noStreamRequests: StreamRequests = {
  open: () => [],
  until: async (_, stop) => {
    await whenAborted(stop)
    return false
  },
  carriedOut: () => {},
}
