import type { AnswerNames, JsonDates, JsonStyle, XmlStyle } from './answer/answer-form.ts'
import type { TokenRefusal } from './service.ts'
import type { AccessOptions } from './session.ts'

/** All options are optional. */
export interface SimulatorOptions {
  /** Default: a free port. */
  readonly port?: number
  /** Default: `127.0.0.1`. */
  readonly host?: string
  /** Serves HTTPS with this key and certificate (PEM). */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer }
  /** Default: 100. */
  readonly clients?: number
  /** Equal seeds give equal clients. */
  readonly seed?: number
  /**
   * Modification times (ms since 1970) of the first clients: spread evenly between the two, with three clients each.
   * Default: the last 400 days.
   */
  readonly modifiedBetween?: readonly [number, number]
  /** Whether clients have a `DateModification`. Default: true. */
  readonly hasModificationTime?: boolean
  /** `bench`: any number of clients that never change, in pages prepared once. */
  readonly mode?: 'live' | 'bench'
  /** File that stores every change, so that the next simulator continues with the same clients. */
  readonly history?: string
  readonly xmlStyle?: XmlStyle
  readonly jsonStyle?: JsonStyle
  readonly jsonDates?: JsonDates
  readonly names?: Partial<AnswerNames>
  readonly gzip?: 'never' | 'when accepted'
  readonly access?: Partial<AccessOptions>
  /** Default: 400. */
  readonly tokenRefusal?: TokenRefusal
}
