import type {
  Cancelled,
  CarriedOut,
  Republication,
  RepublishProgress,
  StreamRequests,
} from '../../../connector/control/stream-requests.ts'
import { createChanges } from '../../../connector/runtime/changes.ts'

/** Requests of a test to publish clients of a stream again. */
export function openRepublications() {
  const { changed, until } = createChanges()
  const open: Republication[] = []
  const carriedOut: CarriedOut[] = []
  const progress: RepublishProgress[] = []
  const cancelled: Cancelled[] = []
  const isRecorded = (id: string) => carriedOut.some((done) => done.id === id)
  const remove = (id: string) => {
    const at = open.findIndex((one) => one.id === id)
    if (at >= 0) open.splice(at, 1)
  }
  const requests: StreamRequests = {
    opened: () => {},
    seen: () => undefined,
    open: () => open,
    until,
    isRecorded,
    cancelled: () => cancelled,
    carriedOut: (done) => {
      for (const one of done) {
        if (!isRecorded(one.id)) carriedOut.push(one)
        remove(one.id)
      }
    },
    progressed: (reached) => void ('code' in reached || progress.push(reached)),
  }
  return {
    requests,
    /** What the stream has reported. */
    carriedOut,
    progress,
    request: (more: Partial<Republication> = {}): Republication => {
      const wanted = { kind: 'all', maxPerSecond: 100 } as const
      const id = `request ${open.length + carriedOut.length + 1}`
      const added: Republication = { kind: 'republish', id, from: null, wanted, requestedBy: 'operator', ...more }
      open.push(added)
      changed()
      return added
    },
    cancel: (id: string) => {
      remove(id)
      cancelled.push({ id, kind: 'republish' })
      changed()
    },
  }
}
