import type { ResumePoint } from '../checkpoint/stream-state.ts'
import type { OutputFormat, Page, SourceTime } from '../source/client-source.ts'
import { earlierOf, hasAutumnChange, instantOf, smallestReading, wallClock } from '../source/source-time.ts'

/** How a stream polls. Pure decisions; all times in milliseconds. */
export interface PollSettings {
  readonly intervalMs: number
  readonly overlapMs: number
  readonly tail: 'overlap' | 'checkpoint'
  readonly onRefusedCheckPoint: 'read-again' | 'stop'
  readonly maxEmptyPages: number
  readonly limit: number
  readonly output: OutputFormat
  /** The server's zone (IANA). */
  readonly timeZone: string
}

const MINUTE_MS = 60_000
/** How far a clock is set back in autumn, and some. */
const AUTUMN_REACH_MS = 2 * 3_600_000

/** A drain to be read again from `lastChanged` on, since its token was refused; changes may have hidden behind it since `startedAt`. Never stored. */
export interface RefusedDrain extends Omit<ResumePoint, 'drain'> {
  readonly drain: 'refused'
}

/** Where a reader goes on. */
export type ReadFrom = ResumePoint | RefusedDrain

/** What the next read asks for; `beginsDrain` where it is the first of a drain. */
export interface NextRead {
  readonly at: ResumePoint
  readonly beginsDrain: boolean
  /** What the window must keep to know again what this drain may bring back; undefined: everything stays as it is. */
  readonly freezeFrom: SourceTime | undefined
}

/** The next read of a stream; the server's clock shows `now` at most. Invariant 5: within a drain the arguments are those that its `checkPoint` came with. */
export function nextRead(resume: ReadFrom, settings: PollSettings, now: number): NextRead {
  if (resume.drain === 'open') return { at: resume, beginsDrain: false, freezeFrom: undefined }
  if (keepsCheckPoint(resume, settings, now)) {
    return {
      at: { ...resume, drain: 'open', startedAt: null, lastModifiedAt: null },
      beginsDrain: true,
      freezeFrom: undefined,
    }
  }
  const { limit, output } = settings
  const lastChanged = smallestUntil(now + MINUTE_MS, resume, settings)
  return {
    at: { lastChanged, checkPoint: null, limit, output, drain: 'open', startedAt: null, lastModifiedAt: null },
    beginsDrain: true,
    // Invariant 2: soon before the clocks go back, a later drain may begin before this one does.
    freezeFrom: minuteBefore(smallestUntil(now + AUTUMN_REACH_MS, resume, settings)),
  }
}

/** The smallest reading of the server's clock that a change, not read yet, can carry at `instant`. */
function smallestUntil(instant: number, resume: ReadFrom, { overlapMs, timeZone }: PollSettings): SourceTime {
  const { startedAt, lastChanged } = resume
  if (startedAt === null) return lastChanged
  // Invariant 2: a clock of ours that is behind must not lead to where the window does not reach.
  const smallest = smallestReading(startedAt - overlapMs, Math.max(instant, startedAt), timeZone)
  return resume.drain === 'refused' ? earlierOf(lastChanged, smallest) : smallest
}

/** Whether the clocks were put back before the answer came, at `now`: what changed since then would hide behind what was `asked`. */
export function isOvertaken(asked: ResumePoint, resume: ReadFrom, settings: PollSettings, now: number): boolean {
  const { at } = nextRead(resume, settings, now)
  return at.checkPoint === null && (asked.checkPoint !== null || at.lastChanged < asked.lastChanged)
}

/**
 * `tail: checkpoint`: the last token goes on, unless the settings changed under it, or the server's clock was put back lately: a server
 * that sorts by wall clock hides what changes in the repeated hour behind its token.
 */
function keepsCheckPoint(resume: ReadFrom, settings: PollSettings, now: number): boolean {
  const { tail, limit, output, timeZone } = settings
  if (tail !== 'checkpoint' || resume.checkPoint === null || resume.startedAt === null) return false
  if (resume.limit !== limit || resume.output !== output) return false
  return !hasAutumnChange(resume.startedAt - AUTUMN_REACH_MS, now, timeZone)
}

export type NextStep =
  | { readonly kind: 'more' | 'drained'; readonly resume: ResumePoint }
  | { readonly kind: 'stuck'; readonly why: string }

/** What the drain in progress has seen; `nextStep` is told, it remembers. */
export interface DrainGuard {
  readonly tokens: Set<string>
  emptyPages: number
}

export function drainGuard(at: ResumePoint): DrainGuard {
  return { tokens: new Set(at.checkPoint === null ? [] : [at.checkPoint]), emptyPages: 0 }
}

/**
 * Where a page leads. Only `hasMoreResults` ends a drain; a token seen before, or too many empty pages, end the stream. No drain begins
 * before the one `before` it: the window would not reach so far back (invariant 2).
 */
export function nextStep(
  page: Page,
  at: ResumePoint,
  { guard, settings, now, before }: { guard: DrainGuard; settings: PollSettings; now: number; before: ReadFrom },
): NextStep {
  const startedAt = at.startedAt ?? Math.max(startOfRead(page, now), before.startedAt ?? Number.NEGATIVE_INFINITY)
  if (!page.hasMoreResults) {
    const checkPoint = settings.tail === 'checkpoint' ? (page.checkPoint ?? at.checkPoint) : null
    return { kind: 'drained', resume: { ...at, checkPoint, drain: 'due', startedAt } }
  }
  if (page.checkPoint === null) return { kind: 'stuck', why: 'without a checkPoint' }
  if (guard.tokens.has(page.checkPoint)) return { kind: 'stuck', why: 'with a checkPoint that this drain had before' }
  guard.tokens.add(page.checkPoint)
  guard.emptyPages = page.clients.length === 0 ? guard.emptyPages + 1 : 0
  if (guard.emptyPages >= settings.maxEmptyPages)
    return { kind: 'stuck', why: `after ${guard.emptyPages} pages in a row without a client` }
  return { kind: 'more', resume: { ...at, checkPoint: page.checkPoint, startedAt } }
}

/** Without a `Date` header: our clock, and five minutes more. */
const OWN_CLOCK_SPARE_MS = 5 * MINUTE_MS

/** When the server began to answer, by its own clock. */
function startOfRead(page: Page, now: number): number {
  return (page.serverTime ?? now - OWN_CLOCK_SPARE_MS) - Math.ceil(page.tookMs)
}

/** Where to read again when the token of `refused` is refused: its drain's beginning, or the last client's time minus the overlap. */
export function readAgain(refused: ResumePoint, settings: PollSettings, now: number): RefusedDrain {
  const { lastChanged, lastModifiedAt, startedAt } = refused
  const restart = { ...refused, checkPoint: null, drain: 'refused', lastModifiedAt: null } as const
  const { overlapMs, timeZone } = settings
  if (lastModifiedAt === null || hasAutumnChange((startedAt ?? now) - AUTUMN_REACH_MS, now + MINUTE_MS, timeZone))
    return restart
  const from = smallestReading(instantOf(lastModifiedAt, timeZone, 'earlier') - overlapMs, now, timeZone)
  return from > lastChanged ? { ...restart, lastChanged: from } : restart
}

/** No client of the page can carry a later modification time than this, by the server's wall clock. `readAt` as its clock is known. */
export function latestReading({ serverTime }: Page, readAt: number, timeZone: string): SourceTime {
  const latest = serverTime === undefined ? readAt + OWN_CLOCK_SPARE_MS : readAt
  return hasAutumnChange(latest - AUTUMN_REACH_MS, latest, timeZone)
    ? wallClock(latest + AUTUMN_REACH_MS, timeZone)
    : wallClock(latest, timeZone)
}

/** A minute to spare: `Date` may be older than the data. */
function minuteBefore(time: SourceTime): SourceTime {
  return new Date(Date.parse(`${time}Z`) - MINUTE_MS).toISOString().slice(0, 19) as SourceTime
}
