import type { Clock } from '../runtime/clock.ts'
import { codeOf, isTransient } from '../runtime/connector-error.ts'
import type { PlacementEvent } from './placement-event.ts'

export interface TroubleLog {
  /** Counts a failed try, and tells of it if it is news. Returns the tries since the last joining. */
  happened(error: unknown): number
  ended(): void
}

/** Tells of the same trouble once until it has ended: what passes by itself by its code, what needs an operator by its words. */
export function troubleLog({ clock, observe }: { clock: Clock; observe: (event: PlacementEvent) => void }): TroubleLog {
  let tries = 0
  let since = 0
  let told = new Set<string>()
  return {
    happened: (error) => {
      if (tries === 0) since = clock.monotonic()
      const code = codeOf(error)
      const words = isTransient(error) || !(error instanceof Error) ? code : error.message
      if (!told.has(words)) observe({ kind: 'group-broken', code, error })
      told.add(words)
      tries += 1
      return tries
    },
    ended: () => {
      if (tries > 0) observe({ kind: 'group-rebuilt', tries, tookMs: clock.monotonic() - since })
      tries = 0
      told = new Set()
    },
  }
}
