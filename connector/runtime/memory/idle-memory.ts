import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '../clock.ts'

/** The process, as far as its memory is concerned. */
interface Collectable {
  /** What it has used of the processor, in ms. */
  cpuMs(): number
  /** Frees what is unused. Stops the process for tens of ms. */
  collect(): void
}

const EVERY_MS = 30_000
/** Of one core. */
const QUIET_SHARE = 0.2

/**
 * Frees memory once in each quiet time, until `stop`: V8 keeps what the start or a backfill needed until its next full
 * collection, which an idle process hardly ever has (30 MB after the start).
 */
export async function collectWhenIdle(
  process: Collectable,
  clock: Pick<Clock, 'sleep'>,
  stop: AbortSignal,
): Promise<void> {
  let isCollected = false
  let before = process.cpuMs()
  while (await isSleptThrough(clock, stop)) {
    const now = process.cpuMs()
    const isQuiet = now - before < QUIET_SHARE * EVERY_MS
    if (isQuiet && !isCollected) process.collect()
    isCollected = isQuiet
    before = now
  }
}

async function isSleptThrough(clock: Pick<Clock, 'sleep'>, stop: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(EVERY_MS, stop)
    return true
  } catch (error) {
    if (stop.aborted) return false
    throw error
  }
}

export const thisProcess: Collectable = {
  cpuMs: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  collect: () => {
    setFlagsFromString('--expose-gc') // for new contexts
    runInNewContext('gc')({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  },
}
