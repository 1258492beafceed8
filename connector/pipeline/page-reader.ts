import type { ResumePoint } from '../checkpoint/stream-state.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { mayRefuseCheckPoint } from '../source/answer-verdict.ts'
import type { ClientSource, Page, ReadArguments, SourceTime } from '../source/client-source.ts'
import type { Observe } from './pipeline-event.ts'
import { pollRhythm } from './poll-rhythm.ts'
import {
  drainGuard,
  isOvertaken,
  type NextRead,
  nextRead,
  nextStep,
  type PollSettings,
  type ReadFrom,
} from './polling.ts'
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
  resume: ReadFrom,
  stop: AbortSignal,
): AsyncGenerator<Reading, void> {
  const { clock, settings } = parts
  const rhythm = pollRhythm(clock, settings.intervalMs)
  for (let from: ReadFrom = resume; ; ) {
    const last = yield* readDrain(parts, from, stop)
    if (last === 'refused') return
    from = last
    await clock.sleep(rhythm.pauseMs(), stop)
  }
}

async function* readDrain(
  parts: ReaderParts,
  from: ReadFrom,
  stop: AbortSignal,
): AsyncGenerator<Reading, ResumePoint | 'refused'> {
  const { clock, serverClock, settings, observe } = parts
  const previousStartedAt = from.drain === 'due' ? from.startedAt : null
  const first = await readFirst(parts, from, stop)
  const guard = drainGuard(first.asked.at)
  let { at, beginsDrain, freezeFrom } = first.asked
  for (let page = first.page; ; page = await readUnlessRefused(parts, at, stop)) {
    if (page === 'refused') {
      yield { kind: 'refused', at: { ...at, startedAt: at.startedAt ?? from.startedAt } }
      return 'refused'
    }
    observe({ kind: 'page-read', clients: page.clients.length, bytes: page.bytes, tookMs: page.tookMs })
    const next = nextStep(page, at, { guard, settings, now: clock.now(), before: from })
    if (next.kind === 'stuck')
      throw new ConnectorError('source.stuck', `read page: more results are promised ${next.why}`)
    const isLastOfDrain = next.kind === 'drained'
    yield {
      ...{ kind: 'page', page, at, next: next.resume, beginsDrain, isLastOfDrain, freezeFrom, previousStartedAt },
      readAt: serverClock.now(),
    }
    if (isLastOfDrain) return next.resume
    at = next.resume
    beginsDrain = false
    freezeFrom = undefined
  }
}

interface FirstPage {
  readonly asked: NextRead
  readonly page: Page | 'refused'
}

/** Asks for the first page until the answer fits the server's clock; an answer that does not moves nothing. */
async function readFirst(parts: ReaderParts, from: ReadFrom, stop: AbortSignal): Promise<FirstPage> {
  const { serverClock, settings, observe } = parts
  for (;;) {
    const asked = nextRead(from, settings, serverClock.latest())
    if (asked.beginsDrain) observe({ kind: 'drain-started', lastChanged: asked.at.lastChanged })
    const page = await readUnlessRefused(parts, asked.at, stop)
    if (page === 'refused' || !isOvertaken(asked.at, from, settings, serverClock.latest())) return { asked, page }
  }
}

/** A token is refused when the call with it fails in a way that may mean so, while the same call without it succeeds. */
async function readUnlessRefused(
  { source, serverClock, settings }: ReaderParts,
  at: ReadArguments,
  stop: AbortSignal,
): Promise<Page | 'refused'> {
  try {
    const page = await source.read(at, stop)
    // Invariant 9: whatever is not a whole page has been thrown; only from here on does anything move.
    serverClock.learn(page)
    return page
  } catch (error) {
    if (at.checkPoint === null || !mayRefuseCheckPoint(error)) throw error
    await source.read({ ...at, checkPoint: null }, stop)
    if (settings.onRefusedCheckPoint === 'read-again') return 'refused'
    throw new ConnectorError('source.checkpoint-refused', 'read page: the server refuses the checkPoint that it gave', {
      cause: error,
    })
  }
}
