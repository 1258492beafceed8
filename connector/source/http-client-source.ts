import { assertNever } from '../runtime/assert-never.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Turns } from '../runtime/turns.ts'
import type { ClientSource, Page, ReadArguments } from './client-source.ts'
import type { PageContent } from './decode-page.ts'
import { clientShape } from './field-shape.ts'
import { type HttpAnswer, httpCaller } from './http-caller.ts'
import { judgeAnswer } from './judge-answer.ts'
import type { PolarisConfig } from './polaris-config.ts'
import { type ApiRequest, apiBase, readRequest } from './read-request.ts'
import { retrying } from './retrying-source.ts'
import { takingTurns } from './server-turns.ts'
import { type Attempt, openSession } from './session.ts'
import type { ObserveSource } from './source-event.ts'
import { timeFormat } from './source-time.ts'

/**
 * The clients of one Polaris server over HTTP, with retries; one for each opening of a stream. Nothing is connected before the first
 * read; each call waits for its turn. Throws `config.invalid` for a format of `lastChanged` that it does not know.
 */
export function httpClientSource(
  config: PolarisConfig,
  parts: { clock: Clock; observe: ObserveSource; turns: Turns },
): ClientSource & { close(): Promise<void> } {
  const { clock, observe } = parts
  const base = apiBase(config.url)
  const { codeMagasin, prefixCle, method, timeZone } = config
  const settings = { base, codeMagasin, prefixCle, method, lastChanged: timeFormat(config.lastChangedFormat, timeZone) }
  const { tls, timeouts, maxBodyBytes } = config
  const caller = takingTurns(httpCaller({ base, tls, timeouts, maxBodyBytes }, clock), parts)
  const session = openSession(config.auth, { caller, base, clock })
  const shape = clientShape(config.listFields, (path) => observe({ kind: 'list-ambiguous', path }))

  const call = async (request: ApiRequest, at: ReadArguments, stop: AbortSignal): Promise<Attempt<Page>> => {
    const answer = await caller.call(request, stop)
    const { clientsField } = config
    const judgement = judgeAnswer(answer, { shape, timeZone, output: at.output, clientsField, nowMs: clock.now() })
    switch (judgement.kind) {
      case 'page':
        return { kind: 'answered', answer: pageOf(judgement.content, answer) }
      case 'logged-out':
        return judgement
      case 'failed':
        throw judgement.error
      default:
        return assertNever(judgement)
    }
  }
  const read = (at: ReadArguments, stop: AbortSignal) =>
    session.send(readRequest(settings, at), (request) => call(request, at, stop), stop)
  return { ...retrying({ read }, { clock, policy: config.retry, observe }), close: () => caller.close() }
}

function pageOf(content: PageContent, { serverTime, tookMs, body }: HttpAnswer): Page {
  return { ...content, serverTime, tookMs, bytes: body.length }
}
