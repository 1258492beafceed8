import type { ControlDocument } from './control-document.ts'
import type { ControlWatch } from './control-watch.ts'
import { seenControl } from './lost-control.ts'
import { isCancellable, openRequests } from './requests.ts'
import type { Cancelled, StreamRequests } from './stream-requests.ts'

/** The requests for one stream in the control object. */
export function watchedRequests(
  watch: Pick<ControlWatch, 'current' | 'since' | 'until' | 'carriedOut' | 'progressed'>,
  stream: string,
): StreamRequests {
  let current: () => ControlDocument | undefined = () => undefined
  const isRecorded = (id: string) => {
    const document = current()
    const found = document?.requests.find((request) => request.id === id)
    return document !== undefined && (found === undefined || found.progress.kind === 'done')
  }
  return {
    opened: () => {
      current = watch.since()
    },
    open: () => {
      const document = current()
      return document === undefined ? [] : openRequests(document, stream)
    },
    isRecorded,
    cancelled: () => {
      const requests = current()?.requests ?? []
      return requests.flatMap(({ id, kind, ...one }): Cancelled[] =>
        one.stream === stream && one.progress.kind === 'cancelled' && isCancellable(kind) ? [{ id, kind }] : [],
      )
    },
    seen: () => {
      const document = watch.current()
      return document && seenControl(document, stream)
    },
    until: watch.until,
    carriedOut: (requests) => {
      for (const request of requests) if (!isRecorded(request.id)) watch.carriedOut(request)
    },
    progressed: watch.progressed,
  }
}
