import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, LOGIN_PAGE, sendAnswer, textAnswer } from './answer.ts'
import type { AnswerPage, Output } from './answer-form.ts'
import type { Call } from './request.ts'

/** What goes wrong with one call; every part that is left out goes right. */
export interface Fault {
  readonly name: string
  /** Waits so long before anything else. */
  readonly delayMs?: number
  /** Answers instead of the service: nothing was read, no token was issued. */
  readonly instead?: (call: Call) => Answer
  /** Changes the page before it is rendered; `stay` is a good token for the place where the call began. */
  readonly page?: (page: AnswerPage, stay: string) => AnswerPage
  /** Renders in this format, whatever was asked. */
  readonly output?: Output
  /** Changes the finished answer. */
  readonly answer?: (answer: Answer) => Answer
  /** Writes the answer instead of the simulator; `response` may stay open or be destroyed. */
  readonly send?: (response: ServerResponse, answer: Answer) => Promise<void> | void
}

const HTML_PAGE =
  '<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Site en maintenance</h1></body></html>'
const ERROR_XML =
  '<?xml version="1.0" encoding="utf-8"?><Erreur><Code>500</Code><Message>Object reference not set to an instance of an object.</Message></Erreur>'
const ERROR_JSON = '{"Message":"An error has occurred.","ExceptionType":"System.NullReferenceException"}'

/** Everything that a reader of Polaris must survive. */
export const faults = {
  status: (
    status: number,
    { retryAfter, body = 'Erreur' }: { retryAfter?: string | number; body?: string } = {},
  ): Fault => ({
    name: `status ${status}`,
    instead: () => {
      const answer = textAnswer(status, body)
      const hint = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
      return { ...answer, headers: { ...answer.headers, ...hint } }
    },
  }),
  latency: (ms: number): Fault => ({ name: `latency ${ms} ms`, delayMs: ms }),
  /** A redirect to `location`. */
  redirect: (location: string, status = 302): Fault => ({
    name: `redirect ${status}`,
    instead: () => ({ status, headers: { location }, body: Buffer.alloc(0) }),
  }),

  /** The connection breaks before the service heard of the call, after it made its answer, or in the middle of that answer. */
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
  /** Nothing more comes, the connection stays open. */
  hang: (at: 'headers' | 'body'): Fault => ({
    name: `hang before the ${at === 'headers' ? 'headers' : 'end of the body'}`,
    send: async (response, answer) => {
      if (at === 'headers') return
      response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
      await written(response, answer.body.subarray(0, answer.body.length / 2))
    },
  }),
  /** The body comes `bytes` at a time. */
  drip: (bytes: number, everyMs: number): Fault => ({
    name: `drip ${bytes} bytes every ${everyMs} ms`,
    send: async (response, answer) => {
      response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
      for (let at = 0; at < answer.body.length && !response.destroyed; at += bytes) {
        await written(response, answer.body.subarray(at, at + bytes))
        await delay(everyMs)
      }
      response.end()
    },
  }),
  /** Only a part (0..1) of the body: `right` says the length of the part, `wrong` that of the whole, `none` is chunked and ends properly. */
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

  /** This text under 200 (or `status`), whatever was asked. */
  body: (text: string | Buffer, contentType = 'text/xml; charset=utf-8', status = 200): Fault => ({
    name: `another body, ${contentType}`,
    instead: () => ({ status, headers: { 'content-type': contentType }, body: Buffer.from(text) }),
  }),
  html: (): Fault => faults.body(HTML_PAGE, 'text/html; charset=utf-8'),
  loginPage: (): Fault => faults.body(LOGIN_PAGE, 'text/html; charset=utf-8'),
  plainText: (): Fault => faults.body('Service momentanément indisponible', 'text/plain; charset=utf-8'),
  empty: (): Fault => faults.body(''),
  errorDocument: (output: Output = 'xml'): Fault =>
    output === 'xml' ? faults.body(ERROR_XML) : faults.body(ERROR_JSON, 'application/json'),

  /** Any change of the page: flag, token, clients. */
  page: (name: string, change: (page: AnswerPage, stay: string) => AnswerPage): Fault => ({ name, page: change }),
  missingFlag: (): Fault => faults.page('no flag', (page) => ({ ...page, hasMoreResults: undefined })),
  nilFlag: (): Fault => faults.page('nil flag', (page) => ({ ...page, hasMoreResults: null })),
  /** `more` is promised without a token to go on with. */
  missingToken: (token: undefined | null | '' = undefined): Fault =>
    faults.page('no token', (page) => ({ ...page, hasMoreResults: true, checkPoint: token })),
  /** More is promised with this token, which is good for the next call; give the calls A, B, A, B for a longer circle. */
  token: (checkPoint: string): Fault =>
    faults.page('a given token', (page) => ({ ...page, hasMoreResults: true, checkPoint })),
  /** No clients, more promised, with a new token for the same place. */
  emptyPage: (): Fault =>
    faults.page('an empty page', (_, stay) => ({ parts: [], hasMoreResults: true, checkPoint: stay })),

  wrongFormat: (output: Output): Fault => ({ name: `${output} whatever was asked`, output }),
  contentType: (type: string): Fault => ({
    name: `content type ${type}`,
    answer: (answer) => ({ ...answer, headers: { ...answer.headers, 'content-type': type } }),
  }),
  /** Any change of the text. */
  text: (name: string, change: (text: string) => string): Fault => ({
    name,
    answer: (answer) => ({ ...answer, body: Buffer.from(change(answer.body.toString())) }),
  }),
  /** Another encoding, and whether the answer says so (in the header; XML also in its declaration). */
  encoding: (
    encoding: 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'iso-8859-1',
    says: 'declared' | 'undeclared' = 'declared',
  ): Fault => ({
    name: encoding,
    answer: (answer) => encoded(answer, encoding, says),
  }),
  /** At least so many bytes; still well-formed. */
  oversized: (bytes: number): Fault => ({
    name: `at least ${bytes} bytes`,
    answer: (answer) => ({ ...answer, body: Buffer.concat([answer.body, Buffer.alloc(bytes, ' ')]) }),
  }),
} as const

function written(response: ServerResponse, body: Buffer): Promise<void> {
  return new Promise((resolve) => response.write(body, () => resolve()))
}

function encoded(answer: Answer, encoding: string, says: 'declared' | 'undeclared'): Answer {
  const charset = encoding === 'utf-8-bom' ? 'utf-8' : encoding.slice(0, 6) === 'utf-16' ? 'utf-16' : encoding
  const type = String(answer.headers['content-type']).split(';')[0]
  const plain = answer.body.toString()
  const text =
    says === 'declared'
      ? plain.replace('encoding="utf-8"', `encoding="${charset}"`)
      : plain.replace(' encoding="utf-8"', '')
  const headers = { ...answer.headers, 'content-type': says === 'declared' ? `${type}; charset=${charset}` : type }
  if (encoding === 'iso-8859-1') return { ...answer, headers, body: Buffer.from(text, 'latin1') }
  if (encoding === 'utf-8-bom') return { ...answer, headers, body: Buffer.from(`\ufeff${text}`) }
  const little = Buffer.from(`\ufeff${text}`, 'utf16le')
  return { ...answer, headers, body: encoding === 'utf-16le' ? little : little.swap16() }
}
