import type { ResumePoint } from '../checkpoint/stream-state.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { Progress } from './group.ts'
import type { ReaderParts } from './page-reader.ts'
import { type RefusedDrain, readAgain } from './polling.ts'

/** So often in a row a token may be refused without the stream getting any further than before. */
const REFUSALS_WITHOUT_PROGRESS = 3

/** Says where to go on after a refused token, and stops a server that refuses every token it gives. */
export function refusalGuard({
  settings,
  serverClock,
  observe,
}: Pick<ReaderParts, 'settings' | 'serverClock' | 'observe'>): {
  /** Throws `source.checkpoint-refused`. */
  readAgain(refused: ResumePoint, reached: Progress): RefusedDrain
} {
  let furthest = { lastChanged: '', drains: 0, clients: -1 }
  let refusals = 0
  return {
    readAgain: (refused, { drains, clients }) => {
      const from = readAgain(refused, settings, serverClock.latest())
      const gotFurther =
        drains > furthest.drains || from.lastChanged !== furthest.lastChanged || clients > furthest.clients
      refusals = gotFurther ? 1 : refusals + 1
      if (gotFurther) furthest = { lastChanged: from.lastChanged, drains, clients }
      if (refusals > REFUSALS_WITHOUT_PROGRESS) {
        throw new ConnectorError(
          'source.checkpoint-refused',
          `read page: the server refused its own checkPoint ${refusals} times running`,
        )
      }
      observe({ kind: 'checkpoint-refused', lastChanged: from.lastChanged })
      return from
    },
  }
}
