import { assertNever } from '../../runtime/assert-never.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { type ClientSource, type Page, type PageRequest, SMALL_LIMIT } from '../client-source.ts'
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
  { source, clock }: ReadPageParts,
  { at, ...mode }: ReadMode & { readonly at: PageRequest },
  stop: AbortSignal,
): Promise<PageRead> {
  const read = (request: PageRequest) => source.read(request, stop, mode.patience)
  const followed = async (step: () => Promise<PageRead>): Promise<PageRead> => {
    try {
      return await step()
    } catch (error) {
      if (stop.aborted || !(error instanceof ConnectorError)) throw error
      return await after(error)
    }
  }
  const after = async (error: ConnectorError): Promise<PageRead> => {
    const next = afterFailedRead(error, mode, 'given-up')
    switch (next) {
      case 'without-token':
        return await followed(() => withoutToken(error))
      case 'small-page':
        return await followed(async () =>
          (await answersSmallPages()) ? { kind: 'too-much', error } : { kind: 'again' },
        )
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
  /** A token is refused if the request with it fails, and the same request without it succeeds. */
  const withoutToken = async (error: ConnectorError): Promise<PageRead> => {
    await read({ ...at, checkPoint: null })
    if (error.token === 'refused') return { kind: 'token-refused', error }
    const page = await read(at).catch(refusal)
    return page instanceof ConnectorError ? { kind: 'token-refused', error: page } : { kind: 'page', page }
  }
  /** Whether the server answers a small page at once, after a large one took too long. If not, it was an outage. */
  const answersSmallPages = async (): Promise<boolean> => {
    const askedAt = clock.monotonic()
    const { tookMs } = await read({ ...at, checkPoint: null, limit: SMALL_LIMIT })
    return clock.monotonic() - askedAt < tookMs + AT_ONCE_MS
  }
  return await followed(async () => ({ kind: 'page', page: await read(at) }))
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
