import { foreignError } from './telemetry/foreign-error.ts'
import { stackFrames } from './telemetry/stack-frames.ts'

/** One line about an unexpected error: its kind, code and place. Invariant 8: not its message, which may quote what was being worked on. */
export function defectLine(error: unknown): string {
  const [place] = stackFrames(error)
  return `unexpected ${foreignError(error)}${place === undefined ? '' : ` at ${place}`}; this is a defect of the connector`
}
