import type { Clock } from '../runtime/clock.ts'
import type { ControlDocument } from './control-document.ts'
import { withProgress } from './republications.ts'
import { type Ending, recorded } from './requests.ts'
import type { CarriedOut, RepublishProgress, Waiting } from './stream-requests.ts'

/** What this replica has reported and the control object does not show yet. */
interface Unrecorded {
  /** False if that is known already. */
  ended(request: CarriedOut): boolean
  progressed(progress: RepublishProgress | Waiting): void
  /** What to change in the stored document, and what to call once that is written. */
  next(): { change(stored: ControlDocument): ControlDocument | undefined; written(): void }
}

export function unrecordedReports(replica: string, clock: Pick<Clock, 'now'>): Unrecorded {
  const endings = new Map<string, Ending>()
  const running = new Map<string, RepublishProgress | Waiting>()
  return {
    ended: ({ id, outcome, published, changed, missing }) => {
      if (endings.has(id)) return false
      endings.set(id, { at: clock.now(), outcome, published, changed, missing })
      return true
    },
    progressed: (progress) => void running.set(progress.id, progress),
    next: () => {
      const [ended, progress] = [new Map(endings), new Map(running)]
      return {
        change: (stored) => {
          const after = recorded(stored, ended, replica)
          return withProgress(after ?? stored, progress, { by: replica, at: clock.now() }) ?? after
        },
        written: () => {
          for (const id of ended.keys()) endings.delete(id)
          for (const [id, reported] of progress) if (running.get(id) === reported) running.delete(id)
        },
      }
    },
  }
}
