import type { Clock } from '../runtime/clock.ts'
import { passingTurns, type Turns, turns } from '../runtime/turns.ts'

/** A replica that starts, or whose broker comes back, opens all of its streams; each takes some ten round trips. */
const AT_A_TIME = 10
const HOLDS_MS = 1_000

/** The turns in which the streams of a process are opened. One that hangs keeps the others waiting for a second at most. */
export function openingTurns(clock: Clock): Turns {
  return passingTurns(turns(AT_A_TIME), { ms: HOLDS_MS, clock })
}
