import { ConnectorError } from '../../runtime/connector-error.ts'
import { networkCause } from '../../runtime/network.ts'
import { parsedFields } from '../../runtime/parsed-json.ts'
import type { OAuthClient } from '../kafka-config.ts'

export interface AccessToken {
  readonly value: string
  /** For how long the token is valid from now on. */
  readonly lifetimeMs: number
}

/** For answers without `expires_in`, which is optional. */
const DEFAULT_LIFETIME_S = 300

/**
 * Requests a token with the client credentials grant (RFC 6749, 4.4), directly, without a proxy. Rejects with
 * `publish.unauthorized` if the endpoint rejects the client or the request, otherwise with `publish.failed`. No
 * error contains the secret, a token or text of the answer.
 */
export async function requestToken(client: OAuthClient, limit: AbortSignal): Promise<AccessToken> {
  const { status, text } = await post(client, limit)
  const { access_token: value, expires_in: lifetime, error } = parsedFields(text)
  if (status === 400 || status === 401) throw refusal(client, status, error)
  if (status !== 200) return fail(client, `it answers with status ${status}`)
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    return fail(client, 'its answer contains no token; check the address')
  const seconds = Number(lifetime)
  return { value, lifetimeMs: (seconds > 0 ? seconds : DEFAULT_LIFETIME_S) * 1000 }
}

async function post(client: OAuthClient, limit: AbortSignal): Promise<{ status: number; text: string }> {
  const { tokenEndpoint, clientId, clientSecret, parameters } = client
  // RFC 6749, 2.3.1: both parts are form-encoded before they become Basic credentials.
  const encoded = [clientId, clientSecret].map((part) => new URLSearchParams({ '': part }).toString().slice(1))
  const headers = {
    authorization: `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`,
    accept: 'application/json',
  }
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...parameters })
  try {
    const options = { method: 'POST', headers, body, redirect: 'manual', signal: limit } as const
    const response = await fetch(tokenEndpoint, options)
    return { status: response.status, text: await response.text() }
  } catch (error) {
    if (limit.aborted) return fail(client, 'it does not answer in time')
    return fail(client, networkCause(errorCodeIn(error)))
  }
}

/** What the endpoint reports by RFC 6749, 5.2, and what to check. Other texts are not repeated. */
function refusal({ tokenEndpoint }: OAuthClient, status: number, error: unknown): ConnectorError {
  const isKnown = typeof error === 'string' && /^(?:invalid|unauthorized|unsupported)_[a-z_]{1,20}$/.test(error)
  const what = `it rejects the request (${[status, ...(isKnown ? [error] : [])].join(' ')})`
  const cure = 'check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_OAUTH_PARAMETERS'
  const message = `request a token from ${tokenEndpoint}: ${what}: ${cure}`
  return new ConnectorError('publish.unauthorized', message)
}

function fail({ tokenEndpoint }: OAuthClient, why: string): never {
  throw new ConnectorError('publish.failed', `request a token from ${tokenEndpoint}: ${why}`)
}

/** The innermost error code of Node or OpenSSL. */
function errorCodeIn(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const inner = error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined)
  if (inner instanceof Error) return errorCodeIn(inner)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
