import type { HttpAnswer } from '../../connector/source/polaris/http/http-caller.ts'

/** A response of a Polaris server. */
export const httpAnswer = (status: number, body: string | Buffer = '', contentType = 'text/xml'): HttpAnswer => ({
  url: new URL('https://polaris.example.com/core/api/'),
  status,
  body: Buffer.from(body),
  contentType,
  retryAfter: undefined,
  schemes: [],
  serverTime: undefined,
  tookMs: 1,
  hasLostArguments: false,
})
