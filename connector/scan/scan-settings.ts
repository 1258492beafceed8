import type { OutputFormat } from '../source/client-source.ts'

/** How a stream is read. All times in milliseconds. */
export interface ScanSettings {
  /** From the start of one live scan to the start of the next. */
  readonly intervalMs: number
  /** How long before the start of the previous live scan the next one begins. */
  readonly overlapMs: number
  /** Shortest reach first. */
  readonly lookBacks: readonly LookBackSetting[]
  readonly fullScan: { readonly everyMs: number } | undefined
  /** Whether live scans run beside the first history or wait for its end. */
  readonly backfill: 'beside' | 'before'
  readonly limit: number
  readonly output: OutputFormat
  /** The server's time zone (IANA name). */
  readonly timeZone: string
}

export interface LookBackSetting {
  readonly reachMs: number
  readonly everyMs: number
}

/** Clock readings in ms since 1970: our clock, and the server's as far as it is known. */
export interface Times {
  readonly ours: number
  readonly server: number
}

export const earlierOf = ({ ours, server }: Times): number => Math.min(ours, server)
