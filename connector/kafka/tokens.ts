import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { errorCodeIn, networkCause } from '../runtime/network.ts'
import { parsedFields } from '../runtime/parsed-json.ts'
import type { IamLogin, TokenLogin } from './kafka-config.ts'
import { kafkaTimes } from './kafka-times.ts'

/** This file has the tokens of OAUTHBEARER: of the client credentials grant of OAuth 2, or of Amazon MSK. */

/** Who issues the tokens of a login. */
interface Issuer {
  readonly name: string
  /** Why a broker may reject its token. */
  readonly doubt: string
  request(): Promise<AccessToken>
}

function issuerOf(login: TokenLogin | IamLogin, clock: Clock): Issuer {
  if (login.mechanism === 'aws-msk-iam') {
    const doubt = 'the identity needs kafka-cluster:Connect on this cluster, and the clock must be right'
    const { region } = login
    const request = () => mskToken({ region, now: clock.now() })
    return { name: `Amazon MSK in ${region}`, doubt, request }
  }
  const request = async () => {
    using limit = clock.deadline(kafkaTimes.patience.stream.requestMs)
    return await requestToken(login, limit.signal)
  }
  return { name: login.tokenEndpoint, doubt: 'its log has the reason, such as another audience', request }
}

interface SharedToken {
  readonly settings: string
  readonly value: Promise<string>
  /** The token may be used until this time of the monotonic clock, in ms; it is infinite until the token is issued. */
  usableUntil: number
}

/** All connections of the process share it until shortly before its end, or until a setting changes. */
let shared: SharedToken | undefined

/**
 * kafkajs logs in again 10 seconds before a session ends, and brokers refuse two logins within a second: a token must
 * outlive both.
 */
const LAST_USE_BEFORE_END_MS = 15_000

export function tokensOf(login: TokenLogin | IamLogin, clock: Clock, issuer = issuerOf(login, clock)) {
  const requestSharedToken = (settings: string): SharedToken => {
    const token = { settings, value: issuer.request().then(withUsableTime), usableUntil: Number.POSITIVE_INFINITY }
    function withUsableTime({ value, lifetimeMs }: AccessToken) {
      token.usableUntil = clock.monotonic() + Math.max(lifetimeMs - LAST_USE_BEFORE_END_MS, lifetimeMs / 2)
      return value
    }
    token.value.catch(() => {
      token.usableUntil = 0
    })
    return token
  }
  return {
    /**
     * Resolves with a token that is valid for at least 15 seconds. Rejects with `publish.unauthorized` or
     * `publish.failed`.
     */
    currentToken: (): Promise<string> => {
      const settings = JSON.stringify(login) // reads the files of secrets
      const isUsable = shared?.settings === settings && clock.monotonic() < shared.usableUntil
      if (!isUsable || shared === undefined) shared = requestSharedToken(settings)
      return shared.value
    },
    /** Returns the error of a token that a broker has rejected, and lets the next call request another token. */
    rejectionError: (): ConnectorError => {
      shared = undefined
      const message = `log in: a broker rejects the token of ${issuer.name}; ${issuer.doubt}`
      return new ConnectorError('publish.unauthorized', message)
    },
  }
}

export interface AccessToken {
  readonly value: string
  /** The token is valid for so long from now on. */
  readonly lifetimeMs: number
}

/** An answer without `expires_in`, which is optional, counts as this long. */
const DEFAULT_LIFETIME_S = 300

/**
 * Requests a token with the client credentials grant (RFC 6749, 4.4), directly, without a proxy. Rejects with
 * `publish.unauthorized` if the endpoint rejects the client or the request, otherwise with `publish.failed`. No
 * error contains the secret, a token or text of the answer.
 */
export async function requestToken(login: TokenLogin, limit: AbortSignal): Promise<AccessToken> {
  const { status, text } = await post(login, limit)
  const { access_token: value, expires_in: lifetime, error } = parsedFields(text)
  if (status === 400 || status === 401) {
    // The message repeats the codes of RFC 6749, 5.2, and no other text.
    const isKnown = typeof error === 'string' && /^(?:invalid|unauthorized|unsupported)_[a-z_]{1,20}$/.test(error)
    const cure = 'check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_OAUTH_PARAMETERS'
    const why = `it rejects the request (${isKnown ? `${status} ${error}` : status}): ${cure}`
    return throwTokenError(login, why, 'publish.unauthorized')
  }
  if (status !== 200) return throwTokenError(login, `it answers with status ${status}`)
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    return throwTokenError(login, 'its answer contains no token; check the address')
  const seconds = Number(lifetime)
  return { value, lifetimeMs: (seconds > 0 ? seconds : DEFAULT_LIFETIME_S) * 1000 }
}

async function post(login: TokenLogin, limit: AbortSignal): Promise<{ status: number; text: string }> {
  const { tokenEndpoint, username, password, parameters } = login
  // RFC 6749, 2.3.1: both parts are form-encoded before they become Basic credentials.
  const encoded = [username, password].map((part) => new URLSearchParams({ '': part }).toString().slice(1))
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
    if (limit.aborted) return throwTokenError(login, 'it does not answer in time')
    return throwTokenError(login, networkCause(errorCodeIn(error) ?? 'unknown error'))
  }
}

function throwTokenError({ tokenEndpoint }: TokenLogin, why: string, code: ErrorCode = 'publish.failed'): never {
  throw new ConnectorError(code, `request a token from ${tokenEndpoint}: ${why}`)
}

/**
 * Resolves to the AWS credentials of the process, by the chain that the S3 client uses where no keys are configured.
 */
const processCredentials = async () => (await import('@aws-sdk/credential-provider-node')).defaultProvider()()

/** Brokers accept a token for this time, the longest that Amazon MSK allows. */
const MSK_LIFETIME_S = 900
const SERVICE = 'kafka-cluster'

interface Signing {
  readonly region: string
  /** The time of the signature in ms since 1970. */
  readonly now: number
  readonly credentials?: typeof processCredentials
}

/**
 * Signs a token for the IAM access control of Amazon MSK: a presigned request (Signature Version 4) to connect to the
 * cluster, as base64url. It has the access key id and the session token, never the secret key. Nothing is sent but what
 * the credentials need. Rejects with `publish.failed`.
 */
export async function mskToken({ region, now, credentials = processCredentials }: Signing): Promise<AccessToken> {
  const { Sha256 } = await import('@smithy/core/checksum')
  const { SignatureV4 } = await import('@smithy/signature-v4')
  const identity = await credentials().catch((error: unknown) => {
    const name = error instanceof Error ? error.name : 'unknown error'
    const cure = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod or machine a role'
    throw new ConnectorError(
      'publish.failed',
      `sign a token for Amazon MSK: no AWS credentials found (${name}): ${cure}`,
    )
  })
  const hostname = `kafka.${region}.amazonaws.com`
  const signer = new SignatureV4({ service: SERVICE, region, credentials: identity, sha256: Sha256 })
  const { query = {} } = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      headers: { host: hostname },
      query: { Action: `${SERVICE}:Connect` },
    },
    { expiresIn: MSK_LIFETIME_S, signingDate: new Date(now) },
  )
  // Brokers log the agent, which is not signed.
  const parameters = Object.entries({ ...query, 'User-Agent': 'polaris-connector' })
  const text = parameters.map((parameter) => parameter.map((part) => encodeURIComponent(String(part))).join('='))
  return {
    value: Buffer.from(`https://${hostname}/?${text.join('&')}`).toString('base64url'),
    lifetimeMs: MSK_LIFETIME_S * 1000,
  }
}
