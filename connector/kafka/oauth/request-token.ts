import { once } from 'node:events'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { parsedFields } from '../../runtime/parsed-json.ts'
import { LOOK_AGAIN_MS } from '../../runtime/refused-accounts.ts'
import { systemCertificates } from '../../runtime/system-certificates.ts'
import type { OAuthClient } from '../kafka-config.ts'

export interface AccessToken {
  readonly value: string
  /** For how long the token is valid from now on. */
  readonly lifetimeMs: number
}

const MAX_ANSWER_BYTES = 256 * 1024
/** For answers without `expires_in`, which is optional. */
const DEFAULT_LIFETIME_S = 300

/**
 * Requests a token with the client credentials grant (RFC 6749, 4.4), directly, without a proxy. Rejects with
 * `publish.unauthorized` if the endpoint rejects the client or the request, otherwise with `publish.no-token`. No
 * error contains the secret, a token or text of the answer.
 */
export async function requestToken(client: OAuthClient, limit: AbortSignal): Promise<AccessToken> {
  const { status, text } = await post(client, limit)
  const answer = parsedFields(text)
  if (status === 200) return tokenIn(answer) ?? fail(client, 'its answer contains no token; check the address')
  if (status === 400 || status === 401) throw refusal(client, status, answer.error)
  return fail(client, `it answers with status ${status}`)
}

async function post(client: OAuthClient, limit: AbortSignal): Promise<{ status: number; text: string }> {
  const { tokenEndpoint, parameters } = client
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...parameters }).toString()
  const headers = { authorization: basicAuth(client), accept: 'application/json', 'content-type': formType }
  const request = tokenEndpoint.startsWith('https:') ? requestHttps : requestHttp
  const sent = request(tokenEndpoint, {
    method: 'POST',
    headers,
    ca: systemCertificates(),
    agent: false,
    signal: limit,
  })
  try {
    sent.end(form)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: response.statusCode ?? 0, text: await textOf(response) }
  } catch (error) {
    if (limit.aborted) return fail(client, 'it does not answer in time')
    const code = errorCodeIn(error)
    return fail(
      client,
      failures.find(({ pattern }) => pattern.test(code))?.why(code) ?? `it cannot be reached (${code})`,
    )
  } finally {
    sent.on('error', () => {}).destroy()
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_ANSWER_BYTES) throw new RangeError('too long')
  }
  return text
}

const formType = 'application/x-www-form-urlencoded'

/** By the error code of Node or OpenSSL; the first match applies. */
const failures = [
  {
    pattern: /CERT|SIGNATURE/,
    why: (code: string) => `its certificate is not trusted (${code}); set NODE_EXTRA_CA_CERTS to the file of its CA`,
  },
  { pattern: /^ECONNRESET$/, why: () => 'it closed the connection; check http: or https: in its address' },
  {
    pattern: /^ERR_SSL_/,
    why: (code: string) => `it does not speak TLS (${code}); check http: or https: in its address`,
  },
]

/** RFC 6749, 2.3.1: both parts are form-encoded before they become Basic credentials. */
function basicAuth({ clientId, clientSecret }: OAuthClient): string {
  const encoded = [clientId, clientSecret].map((part) => new URLSearchParams({ '': part }).toString().slice(1))
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`
}

function tokenIn(answer: Record<string, unknown>): AccessToken | undefined {
  const { access_token: value, expires_in: lifetime } = answer
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) return undefined
  const seconds = Number(lifetime ?? DEFAULT_LIFETIME_S)
  return { value, lifetimeMs: (seconds > 0 ? seconds : DEFAULT_LIFETIME_S) * 1000 }
}

/** What the endpoint reports (RFC 6749, 5.2), and the setting to check. Other texts are not repeated. */
const reported: Readonly<Record<string, string>> = {
  invalid_client: 'KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD',
  unauthorized_client: 'the grant "client credentials" of the client',
  unsupported_grant_type: 'the grant "client credentials" of the client',
  invalid_grant: 'KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD',
  invalid_scope: 'scope in KAFKA_OAUTH_PARAMETERS',
  invalid_target: 'audience in KAFKA_OAUTH_PARAMETERS',
  invalid_request: 'KAFKA_OAUTH_PARAMETERS',
}

function refusal(client: OAuthClient, status: number, error: unknown): ConnectorError {
  const setting = typeof error === 'string' ? reported[error] : undefined
  const why = setting === undefined ? `${status}` : `${status} ${error}: check ${setting}`
  const message = `request a token from ${client.tokenEndpoint}: it rejects the request (${why})`
  return new ConnectorError('publish.unauthorized', message, { retryAfterMs: LOOK_AGAIN_MS })
}

function fail({ tokenEndpoint }: OAuthClient, why: string): never {
  throw new ConnectorError('publish.no-token', `request a token from ${tokenEndpoint}: ${why}`)
}

/** The innermost error code of Node or OpenSSL. */
function errorCodeIn(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const inner = error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined)
  if (inner instanceof Error) return errorCodeIn(inner)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
