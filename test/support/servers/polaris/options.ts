import type { AnswerNames, JsonDates, JsonStyle, XmlStyle } from './answer-form.ts'
import type { TokenOptions } from './service.ts'
import type { AccessOptions } from './session.ts'

/** Everything has a default. */
export interface SimulatorOptions {
  /** A free one by default. */
  readonly port?: number
  /** Only this machine by default. */
  readonly host?: string
  /** `/core/api/` by default. */
  readonly basePath?: string
  /** HTTPS with this key and certificate (PEM). */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer }
  /** 100 by default. */
  readonly clients?: number
  /** The same seed gives the same clients. */
  readonly seed?: number
  /** Id of the first client. */
  readonly firstId?: bigint
  /** When the first clients were last modified (ms since 1970): evenly between the two, three at a time; by default in the last 400 days. */
  readonly modifiedBetween?: readonly [number, number]
  /** Whether clients show their `DateModification`; true by default. */
  readonly hasModificationTime?: boolean
  /** `bench`: any number of clients that never change, in pages prepared once. */
  readonly mode?: 'live' | 'bench'
  /** A file that keeps every change, so that the next simulator with it goes on with the same clients. */
  readonly history?: string
  /** `Europe/Paris` by default. */
  readonly timeZone?: string
  readonly xmlStyle?: XmlStyle
  readonly jsonStyle?: JsonStyle
  readonly jsonDates?: JsonDates
  readonly names?: Partial<AnswerNames>
  /** A larger `limit` is capped to it. */
  readonly maxLimit?: number
  readonly gzip?: 'never' | 'when accepted'
  readonly access?: Partial<AccessOptions>
  readonly tokens?: Partial<TokenOptions>
  /** The simulator's time at the start, ms since 1970; the machine's by default. */
  readonly now?: () => number
}
