import type { CarriedOut, Erasure, StreamRequests } from '../../../connector/control/stream-requests.ts'
import { createChanges } from '../../../connector/runtime/changes.ts'

/** Erasures that a test requests of a stream. */
export function openErasures() {
  const { changed, until } = createChanges()
  const open: Erasure[] = []
  const carriedOut: CarriedOut[] = []
  const isCarriedOut = (id: string) => carriedOut.some((done) => done.id === id)
  const requests: StreamRequests = {
    opened: () => {},
    open: () => open.filter(({ id }) => !isCarriedOut(id)),
    cancelled: () => [],
    isRecorded: isCarriedOut,
    until,
    progressed: () => {},
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
    erase: (client: string) => {
      const request = { reason: 'letter', requestedAt: 1, requestedBy: 'operator' }
      open.push({ kind: 'erase', id: `erasure ${open.length + 1}`, client, ...request })
      changed()
    },
  }
}
