import { assertNever } from '../../runtime/assert-never.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { type ClientSource, type Page, type PageRequest, type ReadArguments, SMALL_LIMIT } from '../client-source.ts'
import { afterFailedRead, type ReadMode } from './after-failed-read.ts'

/** `again`: the page was perhaps not too much, so it is requested again. `failed`: the scan pauses. */
export type PageRead =
  | { readonly kind: 'page'; readonly page: Page }
  | { readonly kind: 'token-refused' | 'too-much' | 'failed'; readonly error: ConnectorError }
  | { readonly kind: 'again' }

interface ReadPageParts {
  readonly source: ClientSource
  readonly clock: Pick<Clock, 'monotonic'>
}

/**
 * Reads a page; if that fails, finds out why. Rejects with the reason of `stop`, or with the error that holds the stream.
 * Invariant 9: anything but a complete page is thrown, so it changes nothing.
 */
export async function readPage(
  parts: ReadPageParts,
  { at, ...mode }: ReadMode & { readonly at: PageRequest },
  stop: AbortSignal,
): Promise<PageRead> {
  const { source } = parts
  const read: ReadAgain = (changed) => source.read({ ...at, ...changed }, stop, mode.patience)
  let step: Step = { kind: 'page' }
  for (;;) {
    try {
      if (step.kind === 'without-token') return await withoutToken(read, step.error)
      if (step.kind === 'page') return { kind: 'page', page: await source.read(at, stop, mode.patience) }
      return (await answersSmallPages(read, parts)) ? { kind: 'too-much', error: step.error } : { kind: 'again' }
    } catch (error) {
      if (stop.aborted || !(error instanceof ConnectorError)) throw error
      const next = afterFailedRead(error, mode, 'given-up')
      switch (next) {
        case 'without-token':
        case 'small-page':
          step = { kind: next, error }
          break
        case 'smaller-page':
          return { kind: 'too-much', error }
        case 'pause':
          return { kind: 'failed', error }
        case 'hold':
        case 'retry':
          throw error
        default:
          return assertNever(next)
      }
    }
  }
}

/** What is requested next, and the failure that it is to explain. */
type Step =
  | { readonly kind: 'page' }
  | { readonly kind: 'without-token' | 'small-page'; readonly error: ConnectorError }

type ReadAgain = (changed?: Partial<ReadArguments>) => Promise<Page>

/** A token is refused if the request with it fails, and the same request without it succeeds. */
async function withoutToken(read: ReadAgain, error: ConnectorError): Promise<PageRead> {
  await read({ checkPoint: null })
  if (error.token === 'refused') return { kind: 'token-refused', error }
  const page = await read().catch(refusal)
  return page instanceof ConnectorError ? { kind: 'token-refused', error: page } : { kind: 'page', page }
}

/** Whether the server answers a small page at once, after a large one took too long. If not, it was an outage. */
async function answersSmallPages(read: ReadAgain, { clock }: Pick<ReadPageParts, 'clock'>): Promise<boolean> {
  const askedAt = clock.monotonic()
  const { tookMs } = await read({ checkPoint: null, limit: SMALL_LIMIT })
  return clock.monotonic() - askedAt < tookMs + AT_ONCE_MS
}

/** Longer waits than for a permit mean that the request was repeated. */
const AT_ONCE_MS = 1_000

function refusal(error: unknown): ConnectorError {
  if (error instanceof ConnectorError && error.token !== undefined) return error
  throw error
}

/** Reads a page whose failure proves nothing; then returns undefined. Rejects with the reason of `stop`. */
export async function readOnce(source: ClientSource, at: PageRequest, stop: AbortSignal): Promise<Page | undefined> {
  try {
    return await source.read(at, stop, 'once')
  } catch (error) {
    if (stop.aborted || !(error instanceof ConnectorError)) throw error
    return undefined
  }
}
