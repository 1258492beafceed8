import type { HttpAnswer } from '../../connector/source/polaris/http/http-caller.ts'

/** A response of a Polaris server. */
export const httpAnswer = (status: number, body: string | Buffer = '', contentType = 'text/xml'): HttpAnswer => ({
  url: new URL('https://polaris.example.com/core/api/'),
  status,
  headers: { 'content-type': contentType },
  body: Buffer.from(body),
  serverTime: undefined,
  tookMs: 1,
  isRedirected: false,
  hasLostArguments: false,
})
