import { type Answer, textAnswer } from './answer/answer.ts'
import { answerForms, renderPage } from './answer/answer-forms.ts'
import { type ClientStore, fromTime } from './clients/client-store.ts'
import { type Call, readArguments } from './request.ts'
import { digestOf, readToken, writeToken } from './token.ts'
import type { WallClock } from './wall-clock.ts'

/** Implements `Client.GetClientsModified`. */
export interface Service {
  read(call: Call): Answer
  /** Refuses every token issued so far. */
  expireTokens(): void
}

export function clientService(store: ClientStore, wall: WallClock): Service {
  let generation = 0
  return {
    read: (call) => {
      const read = readArguments(call.parameters, wall)
      if ('refused' in read) return textAnswer(400, read.refused)
      const digest = digestOf(read.others)
      const token = read.checkPoint === undefined ? undefined : readToken(read.checkPoint)
      const isValid = token?.digest === digest && token.generation === generation
      if (read.checkPoint !== undefined && !isValid) return textAnswer(400, 'checkPoint inconnu ou expiré')
      const from = token ?? fromTime(read.lastChanged)
      const { parts, last, more } = store.select(from, read.limit, read.output)
      const { modified, index } = last
      const checkPoint = writeToken({ modified, index, digest, generation, page: (token?.page ?? 0) + 1 })
      const form = answerForms[read.output]
      const body = renderPage(form, { parts, hasMoreResults: more, checkPoint })
      return { status: 200, headers: { 'content-type': form.contentType }, body }
    },
    expireTokens: () => {
      generation += 1
    },
  }
}
