import type { Clock } from '../../runtime/clock.ts'
import type { ClientSource, ObserveSource, Page, PageRequest } from '../client-source.ts'
import { timeFormat } from '../source-time.ts'
import { judgeAnswer } from './answer/answer-verdict.ts'
import { decodeBody, type PageContent } from './decode/page/decode-page.ts'
import { type HttpAnswer, httpCaller } from './http/http-caller.ts'
import { type ApiRequest, apiBase, readRequest } from './http/read-request.ts'
import type { RequestTurn } from './http/request-rate.ts'
import type { PolarisConfig } from './polaris-config.ts'
import type { RefusedAccounts } from './session/refused-accounts.ts'
import { type Attempt, openSession } from './session/session.ts'

interface SourceParts {
  readonly clock: Clock
  readonly observe: ObserveSource
  readonly turn: RequestTurn
  readonly accounts: RefusedAccounts
}

/**
 * Reads the clients of one Polaris server over HTTP; one per run of a stream. Connects at the first read. Each call waits
 * for its turn. Throws `config.invalid` if the format of `lastChanged` is invalid.
 */
export function httpClientSource(config: PolarisConfig, parts: SourceParts): ClientSource & { close(): Promise<void> } {
  const { clock, observe, accounts } = parts
  const base = apiBase(config.url)
  const { codeMagasin, prefixCle, timeZone } = config
  const settings = { base, codeMagasin, prefixCle, lastChanged: timeFormat(config.lastChangedFormat, timeZone) }
  const caller = httpCaller({ ...config, base }, parts)
  const send = openSession(config.auth, { caller, base, clock, accounts })

  const call = async (request: ApiRequest, at: PageRequest, stop: AbortSignal): Promise<Attempt<Page>> => {
    const { clientsField, statusFields } = config
    const decoding = { timeZone, statusFields, clientsPath: clientsField?.split('.') ?? at.clientsPath }
    const answer = await caller.call(request, stop)
    const decoded = decodeBody(answer.body, answer.contentType, decoding)
    const judged = judgeAnswer(answer, decoded, { output: at.output, auth: config.auth.kind, nowMs: clock.now() })
    if (judged.kind !== 'page') return judged
    const { replacedCharacters: characters } = judged.content
    if (characters > 0) observe({ kind: 'characters-replaced', characters })
    return { kind: 'answered', answer: pageOf(judged.content, answer) }
  }
  return {
    read: (at, stop) => send(readRequest(settings, at), (request) => call(request, at, stop), stop),
    close: async () => caller.close(),
  }
}

function pageOf(
  { clients, hasMoreResults, checkPoint, path }: PageContent,
  { serverTime, tookMs, body }: HttpAnswer,
): Page {
  return { clients, hasMoreResults, checkPoint, path, serverTime, tookMs, bytes: body.length }
}
