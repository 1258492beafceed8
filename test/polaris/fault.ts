import type { ServerResponse } from 'node:http'
import { type Answer, LOGIN_PAGE, sendAnswer, textAnswer } from './answer/answer.ts'
import type { AnswerPage, Output } from './answer/answer-form.ts'
import { type ServerPage, serverPages } from './answer/server-pages.ts'
import type { Call } from './request.ts'

/** The fault of one call. An omitted part works normally. */
export interface Fault {
  readonly name: string
  /** Delay before anything else. */
  readonly delayMs?: number
  /** Responds instead of the service, which reads nothing and issues no token. */
  readonly instead?: (call: Call) => Answer
  /** Changes the page before it is rendered. `stay`: a valid token for the place where the call began. */
  readonly page?: (page: AnswerPage, stay: string) => AnswerPage
  /** Renders in this format, whatever the call requested. */
  readonly output?: Output
  /** Changes the complete response. */
  readonly answer?: (answer: Answer) => Answer
  /** Sends the response instead of the simulator. May leave `response` open or destroy it. */
  readonly send?: (response: ServerResponse, answer: Answer) => Promise<void> | void
}

const HTML_PAGE =
  '<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Site en maintenance</h1></body></html>'
const ERROR_XML =
  '<?xml version="1.0" encoding="utf-8"?><Erreur><Code>500</Code><Message>Object reference not set to an instance of an object.</Message></Erreur>'
const ERROR_JSON = '{"Message":"An error has occurred.","ExceptionType":"System.NullReferenceException"}'

/** The faults that a caller of Polaris must handle. */
export const faults = {
  status: (
    status: number,
    { retryAfter, body = 'Erreur' }: { retryAfter?: string | number; body?: string } = {},
  ): Fault => ({
    name: `status ${status}`,
    instead: () => {
      const answer = textAnswer(status, body)
      const header = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
      return { ...answer, headers: { ...answer.headers, ...header } }
    },
  }),
  latency: (ms: number): Fault => ({ name: `latency ${ms} ms`, delayMs: ms }),
  redirect: (location: string, status = 302): Fault => ({
    name: `redirect ${status}`,
    instead: () => ({ status, headers: { location }, body: Buffer.alloc(0) }),
  }),

  /** Responds like a server or proxy whose service is starting, stopped or broken. */
  serverPage: (name: ServerPage): Fault => ({ name, instead: () => serverPages[name] }),

  /** Resets the connection before the service is called, after it made the response, or in the middle of it. */
  reset: (when: 'before' | 'after' | 'middle'): Fault => ({
    name: `reset ${when}`,
    ...(when === 'before' ? { instead: () => textAnswer(500, '') } : {}),
    send: async (response, answer) => {
      if (when === 'middle') {
        response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
        await written(response, answer.body.subarray(0, answer.body.length / 2))
      }
      response.socket?.resetAndDestroy()
    },
  }),
  /** Stops sending and leaves the connection open. */
  hang: (at: 'headers' | 'body'): Fault => ({
    name: `hang before the ${at === 'headers' ? 'headers' : 'end of the body'}`,
    send: async (response, answer) => {
      if (at === 'headers') return
      response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
      await written(response, answer.body.subarray(0, answer.body.length / 2))
    },
  }),
  /**
   * Sends only a part (0 to 1) of the body. The content length is that of the part (`right`) or of the whole body
   * (`wrong`); `none` sends a complete chunked response.
   */
  truncate: (part: number, contentLength: 'right' | 'wrong' | 'none'): Fault => ({
    name: `truncated, ${contentLength} length`,
    send: async (response, answer) => {
      const body = answer.body.subarray(0, Math.floor(answer.body.length * part))
      if (contentLength === 'right') return sendAnswer(response, { ...answer, body })
      const length = contentLength === 'wrong' ? { 'content-length': answer.body.length } : {}
      response.writeHead(answer.status, { ...answer.headers, ...length })
      await written(response, body)
      if (contentLength === 'wrong') response.destroy()
      else response.end()
    },
  }),

  /** Responds with this body, whatever the call requested. */
  body: (text: string | Buffer, contentType = 'text/xml; charset=utf-8', status = 200): Fault => ({
    name: `other body, ${contentType}`,
    instead: () => ({ status, headers: { 'content-type': contentType }, body: Buffer.from(text) }),
  }),
  html: (): Fault => faults.body(HTML_PAGE, 'text/html; charset=utf-8'),
  loginPage: (): Fault => faults.body(LOGIN_PAGE, 'text/html; charset=utf-8'),
  plainText: (): Fault => faults.body('Service momentanément indisponible', 'text/plain; charset=utf-8'),
  empty: (): Fault => faults.body(''),
  errorDocument: (output: Output = 'xml'): Fault =>
    output === 'xml' ? faults.body(ERROR_XML) : faults.body(ERROR_JSON, 'application/json'),

  /** Changes the page: flag, token or clients. */
  page: (name: string, change: (page: AnswerPage, stay: string) => AnswerPage): Fault => ({ name, page: change }),
  missingFlag: (): Fault => faults.page('missing hasMoreResults', (page) => ({ ...page, hasMoreResults: undefined })),
  nilFlag: (): Fault => faults.page('nil hasMoreResults', (page) => ({ ...page, hasMoreResults: null })),
  /** `hasMoreResults` is true, but there is no token. */
  missingToken: (token: undefined | null | '' = undefined): Fault =>
    faults.page('missing checkPoint', (page) => ({ ...page, hasMoreResults: true, checkPoint: token })),
  /** `hasMoreResults` is true with this token, valid for the next call. Use A, B, A, B for a longer loop. */
  token: (checkPoint: string): Fault =>
    faults.page('given checkPoint', (page) => ({ ...page, hasMoreResults: true, checkPoint })),
  /** No clients, but `hasMoreResults` is true, with a new token for the same place. */
  emptyPage: (): Fault =>
    faults.page('empty page', (_, stay) => ({ parts: [], hasMoreResults: true, checkPoint: stay })),

  wrongFormat: (output: Output): Fault => ({ name: `${output} regardless of the request`, output }),
  /** Another encoding. `declared`: in the header, and in the declaration of an XML document. */
  encoding: (
    encoding: 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'iso-8859-1',
    declaration: 'declared' | 'undeclared' = 'declared',
  ): Fault => ({
    name: encoding,
    answer: (answer) => encoded(answer, encoding, declaration),
  }),
  /** Pads the response with at least `bytes` spaces; it remains well-formed. */
  oversized: (bytes: number): Fault => ({
    name: `at least ${bytes} bytes`,
    answer: (answer) => ({ ...answer, body: padded(answer.body, bytes) }),
  }),
} as const

function padded(body: Buffer, bytes: number): Buffer {
  return Buffer.concat([body, Buffer.alloc(bytes, ' ')])
}

function written(response: ServerResponse, body: Buffer): Promise<void> {
  return new Promise((resolve) => response.write(body, () => resolve()))
}

function encoded(answer: Answer, encoding: string, declaration: 'declared' | 'undeclared'): Answer {
  const charset = encoding === 'utf-8-bom' ? 'utf-8' : encoding.slice(0, 6) === 'utf-16' ? 'utf-16' : encoding
  const type = String(answer.headers['content-type']).split(';')[0]
  const plain = answer.body.toString()
  const text =
    declaration === 'declared'
      ? plain.replace('encoding="utf-8"', `encoding="${charset}"`)
      : plain.replace(' encoding="utf-8"', '')
  const headers = {
    ...answer.headers,
    'content-type': declaration === 'declared' ? `${type}; charset=${charset}` : type,
  }
  if (encoding === 'iso-8859-1') return { ...answer, headers, body: Buffer.from(text, 'latin1') }
  if (encoding === 'utf-8-bom') return { ...answer, headers, body: Buffer.from(`\ufeff${text}`) }
  const little = Buffer.from(`\ufeff${text}`, 'utf16le')
  return { ...answer, headers, body: encoding === 'utf-16le' ? little : little.swap16() }
}
