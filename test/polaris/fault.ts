import type { ServerResponse } from 'node:http'
import { type Answer, LOGIN_PAGE, textAnswer } from './answer/answer.ts'

/** The fault of one call. An omitted part works normally. */
export interface Fault {
  readonly name: string
  /** Delay before anything else. */
  readonly delayMs?: number
  /** Responds instead of the service, which reads nothing and issues no token. */
  readonly instead?: Answer
  /** Sends the response instead of the simulator. May leave `response` open or destroy it. */
  readonly send?: (response: ServerResponse, answer: Answer) => Promise<void> | void
}

const HTML_PAGE =
  '<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Site en maintenance</h1></body></html>'

/** The faults that a caller of Polaris must handle. */
export const faults = {
  status: (status: number, body = 'Erreur'): Fault => ({ name: `status ${status}`, instead: textAnswer(status, body) }),
  latency: (ms: number): Fault => ({ name: `latency ${ms} ms`, delayMs: ms }),
  redirect: (location: string): Fault => ({
    name: 'redirect',
    instead: { status: 302, headers: { location }, body: Buffer.alloc(0) },
  }),
  /** Resets the connection before the service is called, or in the middle of its response. */
  reset: (when: 'before' | 'middle'): Fault => ({
    name: `reset ${when}`,
    ...(when === 'before' ? { instead: textAnswer(500, '') } : {}),
    send: async (response, answer) => {
      if (when === 'middle') {
        response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
        await written(response, answer.body.subarray(0, answer.body.length / 2))
      }
      response.socket?.resetAndDestroy()
    },
  }),
  /** Never answers, and leaves the connection open. */
  hang: (): Fault => ({ name: 'hang', send: () => {} }),
  /** Sends only a part (0 to 1) of the body: of a longer content length, or as a complete chunked response. */
  truncate: (part: number, contentLength: 'wrong' | 'none'): Fault => ({
    name: `truncated, ${contentLength} length`,
    send: async (response, answer) => {
      const length = contentLength === 'wrong' ? { 'content-length': answer.body.length } : {}
      response.writeHead(answer.status, { ...answer.headers, ...length })
      await written(response, answer.body.subarray(0, Math.floor(answer.body.length * part)))
      if (contentLength === 'wrong') response.destroy()
      else response.end()
    },
  }),
  /** Responds with this body. */
  body: (text: string, contentType = 'text/xml; charset=utf-8', status = 200): Fault => ({
    name: `other body, ${contentType}`,
    instead: textAnswer(status, text, contentType),
  }),
  html: (): Fault => faults.body(HTML_PAGE, 'text/html; charset=utf-8'),
  loginPage: (): Fault => faults.body(LOGIN_PAGE, 'text/html; charset=utf-8'),
  empty: (): Fault => faults.body(''),
} as const

function written(response: ServerResponse, body: Buffer): Promise<void> {
  return new Promise((resolve) => response.write(body, () => resolve()))
}
