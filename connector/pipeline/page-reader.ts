import type { ResumePoint } from '../checkpoint/stream-state.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { mayRefuseCheckPoint } from '../source/answer-verdict.ts'
import type { ClientSource, Page, ReadArguments, SourceTime } from '../source/client-source.ts'
import type { Observe } from './pipeline-event.ts'
import { pollRhythm } from './poll-rhythm.ts'
import { drainGuard, nextRead, nextStep, type PollSettings } from './polling.ts'
import type { ServerClock } from './server-clock.ts'

/** One page, and where it stands. */
export interface PageReading {
  readonly kind: 'page'
  readonly page: Page
  /** The arguments that brought it. */
  readonly at: ResumePoint
  /** Where to go on. */
  readonly next: ResumePoint
  readonly beginsDrain: boolean
  readonly isLastOfDrain: boolean
  /** On the first page of a drain: what the window keeps. */
  readonly freezeFrom: SourceTime | undefined
  /** When it was read, by the server's clock, ms since 1970. */
  readonly readAt: number
  /** When the drain before began, by the server's clock; null for a first drain. */
  readonly previousStartedAt: number | null
}

export type Reading = PageReading | { readonly kind: 'refused'; readonly at: ResumePoint }

export interface ReaderParts {
  readonly source: ClientSource
  readonly clock: Clock
  readonly serverClock: ServerClock
  readonly settings: PollSettings
  readonly observe: Observe
}

/**
 * Reads drain after drain from `resume` on, waiting between them; ends after a refused token, or by rejecting: with `stop`'s reason,
 * `source.*`, or `source.stuck`.
 */
export async function* readPages(
  parts: ReaderParts,
  resume: ResumePoint,
  stop: AbortSignal,
): AsyncGenerator<Reading, void> {
  const { clock, settings } = parts
  const rhythm = pollRhythm(clock, settings.intervalMs)
  for (let from = resume; ; ) {
    const last = yield* readDrain(parts, from, stop)
    if (last === 'refused') return
    from = last
    await clock.sleep(rhythm.pauseMs(), stop)
  }
}

async function* readDrain(
  parts: ReaderParts,
  from: ResumePoint,
  stop: AbortSignal,
): AsyncGenerator<Reading, ResumePoint | 'refused'> {
  const { clock, serverClock, settings, observe } = parts
  const first = nextRead(from, settings, serverClock.latest())
  if (first.beginsDrain) observe({ kind: 'drain-started', lastChanged: first.at.lastChanged })
  const guard = drainGuard(first.at)
  let { beginsDrain, freezeFrom } = first
  for (let at = first.at; ; ) {
    const page = await readUnlessRefused(parts, at, stop)
    if (page === 'refused') {
      yield { kind: 'refused', at }
      return 'refused'
    }
    // Invariant 9: whatever is not a whole page has been thrown; only from here on does anything move.
    serverClock.learn(page)
    observe({ kind: 'page-read', clients: page.clients.length, bytes: page.bytes, tookMs: page.tookMs })
    const next = nextStep(page, at, { guard, settings, now: clock.now() })
    if (next.kind === 'stuck')
      throw new ConnectorError('source.stuck', `read page: more results are promised ${next.why}`)
    const isLastOfDrain = next.kind === 'drained'
    const previousStartedAt = from.drain === 'due' ? from.startedAt : null
    const readAt = serverClock.now()
    yield {
      kind: 'page',
      page,
      at,
      next: next.resume,
      beginsDrain,
      isLastOfDrain,
      freezeFrom,
      readAt,
      previousStartedAt,
    }
    if (isLastOfDrain) return next.resume
    at = next.resume
    beginsDrain = false
    freezeFrom = undefined
  }
}

/** A token is refused when the call with it fails in a way that may mean so, while the same call without it succeeds. */
async function readUnlessRefused(
  { source, settings }: ReaderParts,
  at: ReadArguments,
  stop: AbortSignal,
): Promise<Page | 'refused'> {
  try {
    return await source.read(at, stop)
  } catch (error) {
    if (at.checkPoint === null || !mayRefuseCheckPoint(error)) throw error
    await source.read({ ...at, checkPoint: null }, stop)
    if (settings.onRefusedCheckPoint === 'read-again') return 'refused'
    throw new ConnectorError('source.checkpoint-refused', 'read page: the server refuses the checkPoint that it gave', {
      cause: error,
    })
  }
}
