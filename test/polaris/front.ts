import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, sendAnswer, textAnswer } from './answer/answer.ts'
import type { FaultPlan } from './fault-plan.ts'
import { type Call, parametersOf } from './request.ts'

export interface FrontParts {
  readonly basePath: string
  readonly faults: FaultPlan
  /** Makes the response to a call. */
  answer(call: Call): Answer
  /** Called for every call before the response is made. */
  onCall(call: Call): void
}

/** The HTTP server in front of the service. Applies the faults. */
export function httpFront(
  { basePath, faults, answer, onCall }: FrontParts,
  tls: { readonly key: string | Buffer; readonly cert: string | Buffer } | undefined,
): Server {
  const callOf = async (request: IncomingMessage): Promise<Call | undefined> => {
    const [path = '', query = ''] = (request.url ?? '/').split(/\?(.*)/s)
    if (!path.startsWith(basePath)) return undefined
    const { method = '', headers } = request
    return { method, function: path.slice(basePath.length), parameters: await parametersOf(request, query), headers }
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const call = await callOf(request)
    if (call === undefined) return sendAnswer(response, textAnswer(404, 'Not Found'))
    onCall(call)
    const fault = faults.of(call)
    if (fault?.delayMs !== undefined) await delay(fault.delayMs)
    await (fault?.send ?? sendAnswer)(response, fault?.instead ?? answer(call))
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    // Ignores a caller that closed its connection.
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  }
  return tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
}
