import type {
  Cancelled,
  CarriedOut,
  Erasure,
  StreamRequests,
  Waiting,
} from '../../../connector/control/stream-requests.ts'
import { createChanges } from '../../../connector/runtime/changes.ts'

/** Erasures that a test requests of a stream. */
export function openErasures() {
  const { changed, until } = createChanges()
  const open: Erasure[] = []
  const carriedOut: CarriedOut[] = []
  const cancelled: Cancelled[] = []
  const waiting: Waiting[] = []
  const isCarriedOut = (id: string) => carriedOut.some((done) => done.id === id)
  const requests: StreamRequests = {
    opened: () => {},
    seen: () => undefined,
    open: () => open.filter(({ id }) => !isCarriedOut(id) && !cancelled.some((one) => one.id === id)),
    cancelled: () => cancelled.filter(({ id }) => !isCarriedOut(id)),
    isRecorded: isCarriedOut,
    until,
    progressed: (one) => void ('code' in one && waiting.push(one)),
    carriedOut: (done) => {
      const isNew = ({ id }: CarriedOut) => !carriedOut.some((known) => known.id === id)
      carriedOut.push(...done.filter(isNew))
      changed()
    },
  }
  return {
    requests,
    /** What the stream has reported. */
    carriedOut,
    waiting,
    erase: (client: string, more: Partial<Erasure> = {}) => {
      const request = { reason: 'letter', requestedAt: 1, requestedBy: 'operator', force: false }
      open.push({ kind: 'erase', id: `erasure ${open.length + 1}`, client, ...request, ...more })
      changed()
    },
    cancel: (id: string) => {
      cancelled.push({ id, kind: 'erase' })
      changed()
    },
    /** The control object was read. */
    read: changed,
  }
}
