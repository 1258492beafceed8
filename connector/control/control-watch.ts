import { linkedAbort } from '../runtime/abort.ts'
import { type Changes, createChanges } from '../runtime/changes.ts'
import type { Clock } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { ControlDocument } from './control-document.ts'
import { type ControlParts, updateControl } from './control-object.ts'
import { type Ending, recorded } from './requests.ts'
import type { CarriedOut } from './stream-requests.ts'

/** Events about the control object, as this replica sees it. */
export type ControlEvent =
  /** The control object was read. */
  | { readonly kind: 'control-read' }
  /** It cannot be read or written; the last known requests stay in force. The same code is reported once. */
  | { readonly kind: 'control-failed'; readonly code: ErrorCode; readonly error: unknown }
  | { readonly kind: 'control-recovered' }

interface WatchParts extends ControlParts {
  readonly clock: Clock
  /** The name of this replica. */
  readonly replica: string
  readonly observe: (event: ControlEvent) => void
}

/** What this replica knows of the requests of operators: one read of the object every few seconds, for all streams. */
export interface ControlWatch {
  /** Reads the object again and again until `stop` aborts. Never rejects. */
  run(stop: AbortSignal): Promise<void>
  /** The document as last read; undefined: not read since the start of this replica. */
  current(): ControlDocument | undefined
  /** Why the last read or write failed; undefined after a success. */
  failure(): unknown
  /** As `Changes.until`: the condition is checked now and after each read. */
  readonly until: Changes['until']
  /** This replica has carried out a request: recorded in the object soon, and retried until it is. */
  carriedOut(request: CarriedOut): void
}

/** A command takes effect within this time, plus the time that the stream needs to finish its page. */
export const CONTROL_PERIOD_MS = 3_000

export function controlWatch(parts: WatchParts): ControlWatch {
  const { clock, replica, observe } = parts
  const { changed, until } = createChanges()
  const unrecorded = new Map<string, Ending>()
  let document: ControlDocument | undefined
  let failure: unknown
  let wake = () => {}

  const poll = async (stop: AbortSignal) => {
    try {
      const recording = new Map(unrecorded)
      document = await updateControl(parts, (stored) => recorded(stored, recording, replica), stop)
      for (const id of recording.keys()) unrecorded.delete(id)
      if (failure !== undefined) observe({ kind: 'control-recovered' })
      failure = undefined
      observe({ kind: 'control-read' })
    } catch (error) {
      if (stop.aborted) return
      const code = codeOf(error)
      if (failure === undefined || codeOf(failure) !== code) observe({ kind: 'control-failed', code, error })
      failure = error
    }
    changed()
  }
  return {
    run: async (stop) => {
      while (!stop.aborted) {
        using pause = linkedAbort(stop)
        wake = pause.abort
        await poll(stop)
        await clock.sleep(CONTROL_PERIOD_MS, pause.signal).catch(() => {})
      }
    },
    current: () => document,
    failure: () => failure,
    until,
    carriedOut: ({ id, outcome }) => {
      if (unrecorded.has(id)) return
      unrecorded.set(id, { at: clock.now(), outcome })
      wake()
    },
  }
}
