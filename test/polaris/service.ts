import { type Answer, textAnswer } from './answer/answer.ts'
import type { AnswerForm, AnswerPage, Output } from './answer/answer-form.ts'
import { renderPage } from './answer/render-page.ts'
import { type ClientStore, compare, fromTime, type Place } from './clients/client-store.ts'
import type { Fault } from './fault.ts'
import { listed } from './listed.ts'
import { pageOf } from './paging.ts'
import { type Call, type ReadArguments, readArguments } from './request.ts'
import { openScans, type ScanOptions, type ScanPage } from './scans.ts'
import { digestOf, readToken, type Token, writeToken } from './token.ts'
import type { WallClock } from './wall-clock.ts'

export interface TokenOptions {
  /** Tokens after this number of pages of a scan are refused. */
  readonly expireAfterPages: number
  /** Older tokens are refused, by the simulator's clock. */
  readonly expireAfterMs: number
  /** Response to a refused token: a status, or an error document with status 200. */
  readonly refusal: number | 'error-document'
}

export const DEFAULT_TOKENS: TokenOptions = {
  expireAfterPages: Number.POSITIVE_INFINITY,
  expireAfterMs: Number.POSITIVE_INFINITY,
  refusal: 400,
}

export interface ServiceParts {
  readonly store: ClientStore
  readonly forms: Record<Output, AnswerForm>
  readonly wall: WallClock
  /** A larger `limit` is reduced to this. */
  readonly maxLimit: number
  /** Evaluated at every call, as is `scans`. */
  tokens(): TokenOptions
  scans(): ScanOptions
}

/** Implements `Client.GetClientsModified`. */
export interface Service {
  read(call: Call, fault: Fault | undefined): Answer
  /** Refuses every token issued so far. */
  expireTokens(now: number): void
}

export function clientService(parts: ServiceParts): Service {
  const aliases = new Map<string, string>()
  const scans = openScans(parts.store, parts.scans)
  const isListed = () => parts.scans().order !== 'oldest-first'
  const lists = listed(parts.store, () => parts.scans().order)
  let refusedUntil = 0

  const isExpired = (token: Token, at: number) => {
    const { expireAfterPages, expireAfterMs } = parts.tokens()
    return token.page > expireAfterPages || at - token.issued > expireAfterMs || token.issued < refusedUntil
  }
  const enter = (read: ReadArguments, call: Call): Entered | undefined => {
    if (read.checkPoint === undefined) return { ...scans.begin(read.lastChanged), page: 1 }
    const token = readToken(aliases.get(read.checkPoint) ?? read.checkPoint)
    if (token === undefined || token.digest !== digestOf(read.others) || isExpired(token, call.at)) return undefined
    const resumed = scans.resume(token)
    return resumed && { ...resumed, page: token.page + 1 }
  }
  const select = (read: ReadArguments, { from, asOf, scan, page }: Entered, issued: number) => {
    const limit = Math.min(read.limit, parts.maxLimit)
    const selection = pageOf(parts.scans().paging, {
      ...{ from, start: fromTime(read.lastChanged) },
      select: (after) =>
        isListed()
          ? lists.select({ scan, from: after }, limit, read.output)
          : parts.store.select(after, limit, read.output, asOf),
    })
    scans.served(scan, selection.last)
    const tokenAt = ({ modified, index }: Place) =>
      writeToken({ modified, index, digest: digestOf(read.others), issued, page, scan })
    const isSame = parts.scans().paging === 'second' && compare(selection.last, from) === 0
    return { selection, issued: (isSame && read.checkPoint) || tokenAt(selection.last), stay: tokenAt(from) }
  }
  return {
    read: (call, fault) => {
      const read = readArguments(call.parameters, parts.wall)
      if ('refused' in read) return textAnswer(400, read.refused)
      const entered = enter(read, call)
      if (entered === undefined) return refusal(parts.tokens().refusal, read.output)
      const { selection, issued, stay } = select(read, entered, call.at)
      const normal: AnswerPage = { parts: selection.parts, hasMoreResults: selection.more, checkPoint: issued }
      const page = fault?.page?.(normal, stay) ?? normal
      if (typeof page.checkPoint === 'string' && page.checkPoint !== issued) aliases.set(page.checkPoint, issued)
      if (page.checkPoint === stay) aliases.delete(stay)
      const form = parts.forms[fault?.output ?? read.output]
      return { status: 200, headers: { 'content-type': form.contentType }, body: renderPage(form, page) }
    },
    expireTokens: (now) => {
      refusedUntil = now + 1
    },
  }
}

/** `page`: number of the page in its scan, from 1. */
type Entered = ScanPage & { readonly page: number }

function refusal(how: TokenOptions['refusal'], output: Output): Answer {
  if (how !== 'error-document') return textAnswer(how, 'checkPoint inconnu ou expiré')
  return output === 'xml'
    ? textAnswer(200, '<?xml version="1.0"?><Erreur><Message>checkPoint</Message></Erreur>', 'text/xml; charset=utf-8')
    : textAnswer(200, '{"Message":"checkPoint"}', 'application/json; charset=utf-8')
}
