import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import { errorCatalogue } from '../../runtime/error-catalogue.ts'
import type { Patience } from '../client-source.ts'

/**
 * What follows a failed read. `retry`: the same request. `without-token`: find out whether the server refuses the token.
 * `small-page`: find out whether the page was too much. `smaller-page`: it was. `pause` the scan, or `hold` the stream.
 */
export type NextStep = 'retry' | 'without-token' | 'small-page' | 'smaller-page' | 'pause' | 'hold'

/** How the caller reads. */
export interface ReadMode {
  readonly patience: Patience
  /** The token could not be replaced: no request without it, unless it is certainly invalid. */
  readonly keepsToken?: boolean
  /** Another request may end the scan. */
  readonly asksNothingElse?: boolean
  /** Retries the page later, before it counts as too much. */
  readonly pausesFirst?: boolean
}

/** The failures so far, with the last one. */
export interface FailureSeries {
  /** During an outage: wait, or give up with an error, as an inspection does. */
  readonly outages: Outages
  readonly isBreakerOpen: boolean
  /** Consecutive pages of this source that may be too much. */
  readonly tooMuch: number
  /** Consecutive failures of this read whose number is limited, and the limit. */
  readonly limited: number
  readonly retries: number
  /** Whether suspect responses have lasted longer than a server is usually in trouble. */
  readonly suspectsLasted: boolean
}

export type Outages = 'wait' | 'give-up'

/** Limit of consecutive pages that took too long; then smaller ones are requested. */
const TOO_MUCH_IN_A_ROW = 2

/** The one decision after a failed read. `given-up`: it is not retried. Pure. */
export function afterFailedRead(error: unknown, mode: ReadMode, series: FailureSeries | 'given-up'): NextStep {
  if (series !== 'given-up' && isRetried(error, mode, series)) return 'retry'
  const otherwise = mode.patience === 'once' ? 'pause' : 'hold'
  if (!(error instanceof ConnectorError)) return 'hold'
  if (error.token !== undefined) return error.token === 'in-doubt' && mode.keepsToken ? otherwise : 'without-token'
  switch (error.size) {
    case undefined:
      return otherwise
    case 'too-large':
      return 'smaller-page'
    case 'in-doubt':
      if (mode.pausesFirst) return otherwise
      return mode.asksNothingElse ? 'smaller-page' : 'small-page'
  }
}

function isRetried(error: unknown, { patience }: ReadMode, series: FailureSeries): boolean {
  const reaction = reactionTo(error, patience)
  const { token, size } = error instanceof ConnectorError ? error : {}
  const isWaiting = series.outages === 'wait'
  if (patience === 'once')
    return reaction === 'retry' && isWaiting && series.isBreakerOpen && token === undefined && size === undefined
  if (reaction === 'hold' || series.tooMuch >= TOO_MUCH_IN_A_ROW) return false
  if (reaction === 'suspect' && token !== undefined) return false
  if (reaction === 'suspect' && isWaiting) return !series.suspectsLasted
  return series.limited <= series.retries
}

/** Whether the number of such failures in a row is limited. */
export function isLimited(error: unknown, outages: Outages): boolean {
  const isToken = error instanceof ConnectorError && error.token !== undefined
  return outages === 'give-up' || isToken || errorCatalogue[codeOf(error)].then === 'recheck'
}

/**
 * `retry` indefinitely; `recheck` a few times; `suspect` a server that is starting, in maintenance or behind a failing
 * proxy, unless the stream has never read a page, since then its configuration may be wrong; `hold` at once.
 */
export function reactionTo(error: unknown, patience: Patience): 'retry' | 'recheck' | 'suspect' | 'hold' {
  const { then } = errorCatalogue[codeOf(error)]
  if (then === 'suspect') return patience === 'unproven' ? 'hold' : 'suspect'
  return then === 'retry' || then === 'recheck' ? then : 'hold'
}
