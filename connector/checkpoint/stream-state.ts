import type { FieldMapping } from '../event/field-mapping.ts'
import { type WindowState, type WindowStep, windowAfter } from '../event/window.ts'
import type { ReadArguments, SourceTime } from '../source/client-source.ts'

/** The arguments of the next read. */
export interface ResumePoint extends ReadArguments {
  /** `open`: in the middle of a drain. `due`: the next read begins a drain. */
  readonly drain: 'open' | 'due'
  /** When the open drain (due: the previous one) began, by the server's clock, ms since 1970; null before its first answer (due: none yet). */
  readonly startedAt: number | null
  /** The modification time of the last client read in the open drain, where it is mapped. */
  readonly lastModifiedAt: SourceTime | null
}

/** Everything needed to go on. */
export interface StreamState {
  readonly resume: ResumePoint
  /** Events published so far: the `sequence` of the next one. */
  readonly events: number
  /** Once found, the fields stay. */
  readonly mapping: FieldMapping | null
  readonly window: WindowState
}

/** What one transaction adds to a state. */
export interface StateChange {
  readonly resume: ResumePoint
  readonly events: number
  readonly mapping: FieldMapping | null
  readonly windowSteps: readonly WindowStep[]
}

/** The state after the change; `capacity` in clients. Pure. */
export function stateAfter(state: StreamState, change: StateChange, capacity: number): StreamState {
  const { resume, events, mapping, windowSteps } = change
  return { resume, events, mapping, window: windowAfter(state.window, windowSteps, capacity) }
}

/** A stream that has read nothing yet. */
export function beginning(at: ReadArguments): StreamState {
  return {
    resume: { ...at, drain: 'due', startedAt: null, lastModifiedAt: null },
    events: 0,
    mapping: null,
    window: { frozen: [], seen: [] },
  }
}
