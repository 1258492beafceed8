import { type Answer, textAnswer } from './answer.ts'
import { type AnswerForm, type AnswerPage, type Output, renderPage } from './answer-form.ts'
import { type ClientShelf, fromTime, type Place } from './client-shelf.ts'
import type { Fault } from './fault.ts'
import { type Call, type ReadArguments, readArguments } from './request.ts'
import { digestOf, readToken, type Token, writeToken } from './token.ts'
import type { WallClock } from './wall-clock.ts'

export interface TokenOptions {
  /** A token is refused deeper in its drain than so many pages. */
  readonly expireAfterPages: number
  /** A token is refused when older, by the simulator's clock. */
  readonly expireAfterMs: number
  /** How: a status, or an error document under 200. */
  readonly refusal: number | 'error-document'
}

export const DEFAULT_TOKENS: TokenOptions = {
  expireAfterPages: Number.POSITIVE_INFINITY,
  expireAfterMs: Number.POSITIVE_INFINITY,
  refusal: 400,
}

export interface ServiceParts {
  readonly shelf: ClientShelf
  readonly forms: Record<Output, AnswerForm>
  readonly wall: WallClock
  /** A larger `limit` is capped. */
  readonly maxLimit: number
  /** Read at every call. */
  tokens(): TokenOptions
}

/** `Client.GetClientsModified`, from the arguments to the answer. */
export interface Service {
  read(call: Call, fault: Fault | undefined): Answer
  /** Every token issued until now is refused from now on. */
  expireTokens(now: number): void
}

export function clientService(parts: ServiceParts): Service {
  const aliases = new Map<string, string>()
  let refusedUntil = 0

  const isExpired = (token: Token, at: number) => {
    const { expireAfterPages, expireAfterMs } = parts.tokens()
    return token.page > expireAfterPages || at - token.issued > expireAfterMs || token.issued < refusedUntil
  }
  const select = (read: ReadArguments, token: Token | undefined, call: Call) => {
    const from: Place = token ?? fromTime(read.lastChanged)
    const selection = parts.shelf.select(from, Math.min(read.limit, parts.maxLimit), read.output)
    const tokenAt = ({ modified, index }: Place) =>
      writeToken({ modified, index, digest: digestOf(read.others), issued: call.at, page: (token?.page ?? 0) + 1 })
    return { selection, issued: tokenAt(selection.last), stay: tokenAt(from) }
  }
  return {
    read: (call, fault) => {
      const read = readArguments(call.parameters, parts.wall)
      if ('refused' in read) return textAnswer(400, read.refused)
      const token =
        read.checkPoint === undefined ? undefined : readToken(aliases.get(read.checkPoint) ?? read.checkPoint)
      if (read.checkPoint !== undefined) {
        const isGood = token !== undefined && token.digest === digestOf(read.others) && !isExpired(token, call.at)
        if (!isGood) return refusal(parts.tokens().refusal, read.output)
      }
      const { selection, issued, stay } = select(read, token, call)
      const good: AnswerPage = { parts: selection.parts, hasMoreResults: selection.more, checkPoint: issued }
      const page = fault?.page?.(good, stay) ?? good
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

function refusal(how: TokenOptions['refusal'], output: Output): Answer {
  if (how !== 'error-document') return textAnswer(how, 'checkPoint inconnu ou expiré')
  return output === 'xml'
    ? textAnswer(200, '<?xml version="1.0"?><Erreur><Message>checkPoint</Message></Erreur>', 'text/xml; charset=utf-8')
    : textAnswer(200, '{"Message":"checkPoint"}', 'application/json; charset=utf-8')
}
