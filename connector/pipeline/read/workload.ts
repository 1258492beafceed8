import type { Clock } from '../../runtime/clock.ts'
import { liveIntervalMs, type ScanSettings } from '../../scan/scan-settings.ts'
import type { Candidate, Workload } from '../../scan/scheduler.ts'

/** What the scheduler must know of the pages that were read; lives as long as the stream is open. */
export interface WorkloadLog extends Workload {
  /** A live scan begins: the next one is due an interval after the start of this one. */
  liveBegins(): void
  livePage(tookMs: number): void
  backgroundPage(name: string, tookMs: number): void
  /** How many changes were found so far: with a new one, live scans return to the full pace. */
  found(changes: number): void
  /** These background scans wait for a page. */
  waiting(candidates: readonly Candidate[]): void
}

/** A longer time is that of a process that stood still: background scans would pause as long. */
const LONGEST_REQUEST_MS = 300_000

/**
 * Live scans begin one interval apart, from start to start, with a random phase: streams that start together, or were
 * delayed together, do not keep polling at the same time. Those of a quiet stream begin later.
 */
export function workloadLog(clock: Clock, settings: Pick<ScanSettings, 'intervalMs' | 'maxIntervalMs'>): WorkloadLog {
  const { intervalMs } = settings
  const waitingSince = new Map<string, number>()
  let phaseMs = clock.random() * intervalMs
  /** At full pace. */
  let dueAt = clock.monotonic()
  let hasBegun = false
  let changes = 0
  let changedAt = clock.monotonic()
  let liveMs = 0
  let background: Workload['background']
  return {
    get liveDueAt() {
      const unchangedMs = clock.monotonic() - changedAt
      return hasBegun ? dueAt + liveIntervalMs(settings, unchangedMs) - intervalMs : dueAt
    },
    get liveMs() {
      return liveMs
    },
    get background() {
      return background
    },
    waitingSince,
    liveBegins: () => {
      const now = clock.monotonic()
      // Only the first pause is shortened by the phase.
      const missed = Math.floor((now - dueAt) / intervalMs)
      dueAt += intervalMs * (missed + 1) - phaseMs
      phaseMs = 0
      hasBegun = true
    },
    found: (sofar) => {
      if (sofar !== changes) changedAt = clock.monotonic()
      changes = sofar
    },
    livePage: (tookMs) => {
      liveMs += tookMs
    },
    backgroundPage: (name, tookMs) => {
      liveMs = 0
      background = { endedAt: clock.monotonic(), tookMs: Math.min(tookMs, LONGEST_REQUEST_MS) }
      waitingSince.delete(name)
    },
    waiting: (candidates) => {
      const names = new Set(candidates.map(({ name }) => name))
      for (const name of waitingSince.keys()) if (!names.has(name)) waitingSince.delete(name)
      for (const name of names) if (!waitingSince.has(name)) waitingSince.set(name, clock.monotonic())
    },
  }
}
