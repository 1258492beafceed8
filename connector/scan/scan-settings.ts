import type { OutputFormat } from '../source/client-source.ts'

/** A stream is read under these settings. All times are in milliseconds. */
export interface ScanSettings {
  /** One live scan starts this long after the start of the one before. */
  readonly intervalMs: number
  /** A live scan reads from this long before the start of the previous one. */
  readonly overlapMs: number
  /** The look-back with the shortest reach comes first. */
  readonly lookBacks: readonly LookBackSetting[]
  readonly fullScan: { readonly everyMs: number } | undefined
  /** Whether live scans run beside the first history or wait for its end. */
  readonly backfill: 'beside' | 'before'
  /** Each request asks for at most this number of clients. */
  readonly limit: number
  /** Each request asks for a response in this format. */
  readonly output: OutputFormat
  /** The server has this time zone, by its IANA name. */
  readonly timeZone: string
}

export interface LookBackSetting {
  readonly reachMs: number
  readonly everyMs: number
}

/** Holds what both clocks show, in ms since 1970: ours, and the server's as far as that is known. */
export interface Times {
  readonly ours: number
  readonly server: number
}

export const earlierOf = ({ ours, server }: Times): number => Math.min(ours, server)
