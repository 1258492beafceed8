import { linkedAbort } from '../runtime/abort.ts'
import { type Changes, createChanges } from '../runtime/changes.ts'
import type { Clock } from '../runtime/clock.ts'
import { type ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { ControlDocument, ControlParts } from './control-document.ts'
import { type KnownControl, latestControl } from './lost-control.ts'
import { type Ending, recorded, withProgress } from './requests.ts'
import type { CarriedOut, RepublishProgress } from './stream-requests.ts'

/** Events about the control object, as this replica sees it. */
export type ControlEvent =
  /** The control object was read. */
  | { readonly kind: 'control-read' }
  /** It cannot be read or written; the last known requests stay in force. The same code is reported once. */
  | { readonly kind: 'control-failed'; readonly code: ErrorCode; readonly error: unknown }
  | { readonly kind: 'control-recovered' }
  /** It was deleted or rolled back, and is written back. */
  | { readonly kind: 'control-lost'; readonly error: ConnectorError }

interface WatchParts extends ControlParts {
  readonly clock: Clock
  /** The name of this replica. */
  readonly replica: string
  /** What the checkpoints of all streams keep of the control object. Rejects with `storage.unavailable`. */
  readonly checkpoints: (stop: AbortSignal) => Promise<KnownControl['checkpoints']>
  readonly observe: (event: ControlEvent) => void
}

/** What this replica knows of the requests of operators: one read of the object every few seconds, for all streams. */
export interface ControlWatch {
  /** Reads the object again and again until `stop` aborts. Never rejects. */
  run(stop: AbortSignal): Promise<void>
  /** The document as last read; undefined: not read since the start of this replica. */
  current(): ControlDocument | undefined
  /**
   * Reads the object now, and returns a function that returns the document once a read that began after this call has
   * succeeded; undefined before.
   */
  since(): () => ControlDocument | undefined
  /** Why the last read or write failed; undefined after a success. */
  failure(): unknown
  /** As `Changes.until`: the condition is checked now and after each read. */
  readonly until: Changes['until']
  /**
   * This replica has carried out a request: recorded in the object soon, retried until it is, and recorded again if the
   * object is rolled back to before that.
   */
  carriedOut(request: CarriedOut): void
  /** Whether `carriedOut` was called with this id, which the object may not show yet. */
  isCarriedOut(id: string): boolean
  /** How far this replica has come with a request: the newest is recorded at the next read. */
  progressed(progress: RepublishProgress): void
}

/** A command takes effect within this time, plus the time that the stream needs to finish its page. */
export const CONTROL_PERIOD_MS = 3_000

export function controlWatch(parts: WatchParts): ControlWatch {
  const { changed, until } = createChanges()
  const unrecorded = unrecordedReports(parts)
  const { read, known } = controlReads(parts, unrecorded)
  let wake = () => {}
  return {
    run: async (stop) => {
      while (!stop.aborted) {
        using pause = linkedAbort(stop)
        wake = pause.abort
        await read(stop)
        if (!stop.aborted) changed()
        await parts.clock.sleep(CONTROL_PERIOD_MS, pause.signal).catch(() => {})
      }
    },
    current: () => known.document,
    failure: () => known.failure,
    until,
    since: () => {
      const { begun } = known
      wake()
      return () => (known.succeeded > begun ? known.document : undefined)
    },
    carriedOut: (request) => void (unrecorded.ended(request) && wake()),
    isCarriedOut: unrecorded.hasEnded,
    progressed: unrecorded.progressed,
  }
}

interface Known {
  document: ControlDocument | undefined
  failure: unknown
  /** How many reads have begun, and the last of them that succeeded. */
  begun: number
  succeeded: number
}

/** `read` reads the object once, and reports what it finds. Never rejects. */
function controlReads(parts: WatchParts, unrecorded: Unrecorded) {
  const { observe } = parts
  const known: Known = { document: undefined, failure: undefined, begun: 0, succeeded: 0 }
  const read = async (stop: AbortSignal) => {
    known.begun += 1
    try {
      const { change, written } = unrecorded.next()
      const latest = await latestControl(parts, { document: known.document, change }, stop)
      known.document = latest.document
      written()
      if (latest.lost !== undefined) observe({ kind: 'control-lost', error: latest.lost })
      known.succeeded = known.begun
      if (known.failure !== undefined) observe({ kind: 'control-recovered' })
      known.failure = undefined
      observe({ kind: 'control-read' })
    } catch (error) {
      if (stop.aborted) return
      const code = codeOf(error)
      if (known.failure === undefined || codeOf(known.failure) !== code)
        observe({ kind: 'control-failed', code, error })
      known.failure = error
    }
  }
  return { read, known }
}

/** How many requests that were carried out are known, to be recorded again. */
const KNOWN = 1_000

/** What this replica has reported: the control object does not show it yet, or may be rolled back to before it. */
interface Unrecorded {
  /** False if that is known already. */
  ended(request: CarriedOut): boolean
  hasEnded(id: string): boolean
  progressed(progress: RepublishProgress): void
  /** What to change in the stored document, and what to call once that is written. */
  next(): { change(stored: ControlDocument): ControlDocument | undefined; written(): void }
}

function unrecordedReports({ replica, clock }: Pick<WatchParts, 'replica' | 'clock'>): Unrecorded {
  const endings = new Map<string, Ending>()
  const running = new Map<string, RepublishProgress>()
  return {
    ended: ({ id, outcome, published, changed, missing }) => {
      if (endings.has(id)) return false
      endings.set(id, { at: clock.now(), outcome, published, changed, missing })
      return true
    },
    hasEnded: (id) => endings.has(id),
    progressed: (progress) => void running.set(progress.id, progress),
    next: () => {
      const [ended, progress] = [new Map(endings), new Map(running)]
      return {
        change: (stored) => {
          const ending = recorded(stored, ended, replica)
          return withProgress(ending ?? stored, progress, { by: replica, at: clock.now() }) ?? ending
        },
        written: () => {
          for (const id of [...ended.keys()].slice(0, -KNOWN)) endings.delete(id)
          for (const [id, reported] of progress) if (running.get(id) === reported) running.delete(id)
        },
      }
    },
  }
}
