import type { AnswerNames, JsonDates, JsonStyle, XmlStyle } from './answer/answer-form.ts'
import type { LateOptions } from './clients/live-store.ts'
import type { ModificationField } from './clients/made-up-client.ts'
import type { ClockFault } from './clock-fault.ts'
import type { ScanOptions } from './scans.ts'
import type { TokenOptions } from './service.ts'
import type { AccessOptions } from './session.ts'

/** All options are optional. */
export interface SimulatorOptions {
  /** Default: a free port. */
  readonly port?: number
  /** Default: `127.0.0.1`. */
  readonly host?: string
  /** Default: `/core/api/`. */
  readonly basePath?: string
  /** Serves HTTPS with this key and certificate (PEM). */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer }
  /** Default: 100. */
  readonly clients?: number
  /** Equal seeds give equal clients. */
  readonly seed?: number
  /** Id of the first client. */
  readonly firstId?: bigint
  /**
   * Modification times (ms since 1970) of the first clients: spread evenly between the two, with three clients each.
   * Default: the last 400 days.
   */
  readonly modifiedBetween?: readonly [number, number]
  /** Whether clients have a `DateModification`. Default: true. */
  readonly hasModificationTime?: boolean
  /** How it is written. Only the time of day is hidden: clients are still read by it. Default: `time`. */
  readonly modificationField?: ModificationField
  /** `bench`: any number of clients that never change, in pages prepared once. */
  readonly mode?: 'live' | 'bench'
  /** File that stores every change, so that the next simulator continues with the same clients. */
  readonly history?: string
  /** Default: `Europe/Paris`. */
  readonly timeZone?: string
  readonly xmlStyle?: XmlStyle
  readonly jsonStyle?: JsonStyle
  readonly jsonDates?: JsonDates
  readonly names?: Partial<AnswerNames>
  /** A larger `limit` is reduced to this. */
  readonly maxLimit?: number
  readonly gzip?: 'never' | 'when accepted'
  readonly access?: Partial<AccessOptions>
  readonly tokens?: Partial<TokenOptions>
  readonly scans?: Partial<ScanOptions>
  /** Default: no change is late. After a restart with `history`, all changes are visible. */
  readonly late?: Partial<LateOptions>
  /** Fault of the `Date` header, or no such header. */
  readonly dateHeader?: ClockFault | 'absent'
  /** Fault of the clock of modification times. For times in UTC, set `timeZone`. */
  readonly stamps?: ClockFault
  /** Clock of the simulator, ms since 1970. Default: the clock of the machine. */
  readonly now?: () => number
}
