import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type Answer, sendAnswer, textAnswer } from './answer/answer.ts'
import type { Fault } from './fault.ts'
import type { FaultPlan } from './fault-plan.ts'
import type { SimulatorOptions } from './options.ts'
import { type Call, parametersOf } from './request.ts'

export interface FrontParts {
  readonly basePath: string
  readonly gzip: 'never' | 'when accepted'
  readonly faults: FaultPlan
  /** Value of the `Date` header; undefined omits it. */
  dateHeader(): string | undefined
  /** Makes the response to a call. */
  answer(call: Call, fault: Fault | undefined): Answer
  /** Called for every call before the response is made. */
  onCall(call: Call): void
  /** Called for every response before it is sent. */
  onAnswer(call: Call, answer: Answer): void
}

/** The HTTP server in front of the service. Applies the faults. */
export function httpFront(parts: FrontParts, tls: SimulatorOptions['tls']): Server {
  const counts = new Map<string, number>()
  const callOf = async (request: IncomingMessage): Promise<Call | undefined> => {
    const [path = '', query = ''] = (request.url ?? '/').split(/\?(.*)/s)
    if (!path.startsWith(parts.basePath)) return undefined
    const name = path.slice(parts.basePath.length)
    const count = (of: string) => {
      counts.set(of, (counts.get(of) ?? 0) + 1)
      return counts.get(of) ?? 0
    }
    return {
      ...{ number: count(''), ofFunction: count(` ${name}`), method: request.method ?? '', function: name },
      ...{ parameters: await parametersOf(request, query), headers: request.headers },
    }
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    response.sendDate = false
    const date = parts.dateHeader()
    if (date !== undefined) response.setHeader('date', date)
    const call = await callOf(request)
    if (call === undefined) return sendAnswer(response, textAnswer(404, 'Not Found'))
    parts.onCall(call)
    const fault = parts.faults.take(call)
    if (fault?.delayMs !== undefined) await delay(fault.delayMs)
    const answer = compressed(answerWith(parts, call, fault), parts.gzip, call)
    parts.onAnswer(call, answer)
    await (fault?.send ?? sendAnswer)(response, answer)
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    // Ignores a caller that closed its connection.
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  }
  return tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
}

function answerWith(parts: FrontParts, call: Call, fault: Fault | undefined): Answer {
  const answer = fault?.instead?.(call) ?? parts.answer(call, fault)
  return fault?.answer?.(answer) ?? answer
}

function compressed(answer: Answer, gzip: FrontParts['gzip'], call: Call): Answer {
  if (gzip === 'never' || !String(call.headers['accept-encoding']).includes('gzip')) return answer
  return { ...answer, headers: { ...answer.headers, 'content-encoding': 'gzip' }, body: gzipSync(answer.body) }
}
