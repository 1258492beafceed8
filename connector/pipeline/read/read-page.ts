import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ClientSource, Page, PageRequest, Patience } from '../../source/client-source.ts'
import { SMALLEST_LIMIT } from '../../source/polaris/answer/answer-verdict.ts'
import { isTokenInDoubt, mayRefuseCheckPoint } from '../../source/polaris/answer/verdict-table.ts'

/**
 * Reads a page. A checkPoint counts as refused if the call with it fails in a way that may mean this, while the same
 * call without it succeeds. `keepsToken`: no call is made without it unless it is certainly invalid. Rejects with
 * `source.*` or the reason of `stop`.
 */
export async function readUnlessRefused(
  source: ClientSource,
  { at, patience, keepsToken }: { at: PageRequest; patience: Patience; keepsToken: boolean },
  stop: AbortSignal,
): Promise<Page | ConnectorError> {
  const read = () => source.read(at, stop, patience)
  let result = await orRefusal(read, at)
  if (result instanceof ConnectorError) {
    if (keepsToken && isTokenInDoubt(result)) throw result
    await source.read({ ...at, checkPoint: null }, stop, patience)
    // It may have been an outage that has ended meanwhile.
    if (isTokenInDoubt(result)) result = await orRefusal(read, at)
  }
  return result
}

/** Repeats the request that ended a scan with an empty page. A failure says no more than such a page. */
export async function readEndAgain(source: ClientSource, at: PageRequest, stop: AbortSignal): Promise<Page | 'failed'> {
  try {
    return await source.read(at, stop, 'once')
  } catch (error) {
    if (stop.aborted || !(error instanceof ConnectorError)) throw error
    return 'failed'
  }
}

/**
 * Whether the server answers a small page at once, after a large one took too long. Waits until it answers, or rejects as
 * a read does: it may be an outage.
 */
export async function answersSmallPages(
  { source, clock }: { source: ClientSource; clock: Pick<Clock, 'monotonic'> },
  { at, patience }: { at: PageRequest; patience: Patience },
  stop: AbortSignal,
): Promise<boolean> {
  const askedAt = clock.monotonic()
  const { tookMs } = await source.read({ ...at, checkPoint: null, limit: SMALLEST_LIMIT }, stop, patience)
  return clock.monotonic() - askedAt < tookMs + AT_ONCE_MS
}

/** Longer waits than for a permit mean that the request was repeated. */
const AT_ONCE_MS = 1_000

/** Returns the page, or an error that may mean that the checkPoint was refused. */
async function orRefusal(read: () => Promise<Page>, { checkPoint }: PageRequest): Promise<Page | ConnectorError> {
  try {
    // Invariant 9: anything but a complete page is thrown, so it changes nothing.
    return await read()
  } catch (error) {
    if (checkPoint === null || !mayRefuseCheckPoint(error)) throw error
    return error
  }
}
