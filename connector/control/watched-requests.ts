import type { ControlWatch } from './control-watch.ts'
import { openRequests } from './requests.ts'
import type { StreamRequests } from './stream-requests.ts'

/** The requests for one stream in the control object. */
export function watchedRequests(
  watch: Pick<ControlWatch, 'current' | 'until' | 'carriedOut'>,
  stream: string,
): StreamRequests {
  const open = () => {
    const document = watch.current()
    return document === undefined ? [] : openRequests(document, stream)
  }
  return {
    open,
    until: watch.until,
    carriedOut: (requests) => {
      const ids = new Set(open().map(({ id }) => id))
      for (const request of requests) if (ids.has(request.id)) watch.carriedOut(request)
    },
  }
}
