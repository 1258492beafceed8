import { setImmediate as otherWork } from 'node:timers/promises'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { ClientSource, Page, PageRequest } from '../client-source.ts'
import { timeFormat } from '../source-time.ts'
import { type JudgedAnswer, judgeAnswer } from './answer/answer-verdict.ts'
import { type HttpParts, httpCaller } from './http/http-caller.ts'
import { type ApiRequest, apiBase, readRequest } from './http/read-request.ts'
import type { PolarisConfig } from './polaris-config.ts'
import { openSession } from './session/session.ts'

/**
 * Reads the clients of one Polaris server over HTTP; one per run of a stream. Connects at the first read. Each call
 * waits for its turn. Throws `config.invalid` if the format of `lastChanged` is invalid.
 */
export function httpClientSource(config: PolarisConfig, parts: HttpParts): ClientSource & { close(): Promise<void> } {
  const { clock, observe, accounts } = parts
  const base = apiBase(config.url)
  const { codeMagasin, prefixCle, timeZone, statusFields } = config
  const settings = { base, codeMagasin, prefixCle, lastChanged: timeFormat(config.lastChangedFormat, timeZone) }
  const configuredPath = config.clientsField?.split('.')
  const caller = httpCaller({ ...config, base }, parts)
  const send = openSession(config.auth, { caller, base, clock, accounts })

  const read = async (at: PageRequest, stop: AbortSignal): Promise<Page> => {
    const path = configuredPath ?? at.clientsPath
    const known = path && { path, isConfigured: configuredPath !== undefined }
    const judging = { timeZone, statusFields, known, output: at.output, auth: config.auth.kind }
    const call = async (request: ApiRequest) =>
      await caller.call(request, stop).then((answer) => judgeAnswer(answer, judging), noPageOf)
    const { replacedCharacters: characters, ...page } = await send(readRequest(settings, at), call, stop)
    // Decoding blocks for up to 40 ms: a delivery that waits goes on before the clients are processed.
    await otherWork()
    if (characters > 0) observe({ kind: 'characters-replaced', characters })
    return page
  }
  return { read, close: async () => caller.close() }
}

const noPages: ReadonlySet<ErrorCode> = new Set([
  'source.request-refused',
  'source.answer-malformed',
  'source.answer-too-large',
])

/**
 * Takes a redirect that cannot be followed, or a body that cannot be read, for an answer: the session may have expired.
 */
function noPageOf(error: unknown): JudgedAnswer {
  if (error instanceof ConnectorError && noPages.has(error.code)) return { kind: 'no-page', error }
  throw error
}
