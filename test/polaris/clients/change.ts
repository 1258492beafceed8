import type { WallText } from '../wall-clock.ts'

/** One change of the source. Tests compare the published events with these changes. */
export interface Change {
  /** Number of the change among all changes of all clients, from 1. */
  readonly sequence: number
  readonly clientId: string
  /** `NoVersion` in the client's content. */
  readonly version: number
  /** Modification time as the server stores it: wall clock of its zone. */
  readonly modified: WallText
  /** Modification time in milliseconds since 1970. */
  readonly instant: number
}
