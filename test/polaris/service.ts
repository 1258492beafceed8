import { type Answer, textAnswer } from './answer/answer.ts'
import type { AnswerForm, AnswerPage, Output } from './answer/answer-form.ts'
import { renderPage } from './answer/render-page.ts'
import { type ClientStore, fromTime } from './clients/client-store.ts'
import type { Fault } from './fault.ts'
import { type Call, readArguments } from './request.ts'
import { digestOf, readToken, writeToken } from './token.ts'
import type { WallClock } from './wall-clock.ts'

/** How a refused token is answered: with a status, or with an error document and status 200. */
export type TokenRefusal = 400 | 'error-document'

export interface ServiceParts {
  readonly store: ClientStore
  readonly forms: Record<Output, AnswerForm>
  readonly wall: WallClock
  readonly tokenRefusal: TokenRefusal
}

/** Implements `Client.GetClientsModified`. */
export interface Service {
  read(call: Call, fault: Fault | undefined): Answer
  /** Refuses every token issued so far. */
  expireTokens(): void
}

export function clientService({ store, forms, wall, tokenRefusal }: ServiceParts): Service {
  const aliases = new Map<string, string>()
  let generation = 0
  return {
    read: (call, fault) => {
      const read = readArguments(call.parameters, wall)
      if ('refused' in read) return textAnswer(400, read.refused)
      const digest = digestOf(read.others)
      const token =
        read.checkPoint === undefined ? undefined : readToken(aliases.get(read.checkPoint) ?? read.checkPoint)
      const isValid = token?.digest === digest && token.generation === generation
      if (read.checkPoint !== undefined && !isValid) return refusal(tokenRefusal, read.output)
      const from = token ?? fromTime(read.lastChanged)
      const { parts, last, more } = store.select(from, read.limit, read.output)
      const tokenAt = ({ modified, index }: typeof last) =>
        writeToken({ modified, index, digest, generation, page: (token?.page ?? 0) + 1 })
      const [issued, stay] = [tokenAt(last), tokenAt(from)]
      const normal: AnswerPage = { parts, hasMoreResults: more, checkPoint: issued }
      const page = fault?.page?.(normal, stay) ?? normal
      if (typeof page.checkPoint === 'string' && page.checkPoint !== issued) aliases.set(page.checkPoint, issued)
      if (page.checkPoint === stay) aliases.delete(stay)
      const form = forms[fault?.output ?? read.output]
      return { status: 200, headers: { 'content-type': form.contentType }, body: renderPage(form, page) }
    },
    expireTokens: () => {
      generation += 1
    },
  }
}

function refusal(how: TokenRefusal, output: Output): Answer {
  if (how !== 'error-document') return textAnswer(how, 'checkPoint inconnu ou expiré')
  return output === 'xml'
    ? textAnswer(200, '<?xml version="1.0"?><Erreur><Message>checkPoint</Message></Erreur>', 'text/xml; charset=utf-8')
    : textAnswer(200, '{"Message":"checkPoint"}', 'application/json; charset=utf-8')
}
