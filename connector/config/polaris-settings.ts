import type { ReadArguments } from '../source/client-source.ts'
import type { AuthConfig, LoginConfig, PolarisConfig, TokenConfig } from '../source/polaris-config.ts'
import { parseSourceTime } from '../source/source-time.ts'
import type { StreamSettings } from './config-schema.ts'

type PolarisSettings = StreamSettings['polaris']
type TokenSettings = NonNullable<PolarisSettings['login']['token']>

/** One Polaris server; reveals the secrets in it. */
export function polarisConfig(polaris: PolarisSettings): PolarisConfig {
  const { timeouts, retry, tls } = polaris
  return {
    url: polaris.url,
    auth: authConfig(polaris),
    tls:
      tls.fingerprint === undefined && tls.ca === undefined ? undefined : { fingerprint: tls.fingerprint, ca: tls.ca },
    codeMagasin: polaris.codeMagasin,
    prefixCle: polaris.prefixCle,
    method: polaris.method,
    timeZone: polaris.timeZone,
    lastChangedFormat: polaris.lastChangedFormat,
    clientsField: polaris.clientsField,
    listFields: polaris.listFields,
    timeouts: { connectMs: timeouts.connect, headersMs: timeouts.headers, bodyMs: timeouts.body },
    maxBodyBytes: polaris.maxBodyBytes,
    limits: polaris.server,
    retry: {
      retries: retry.retries,
      firstPauseMs: retry.firstPause,
      maxPauseMs: retry.maxPause,
      maxRetryAfterMs: retry.maxRetryAfter,
    },
  }
}

/** Where a stream without a checkpoint begins; undefined when that is not set. */
export function beginAt({ lastChanged, timeZone, limit, output }: PolarisSettings): ReadArguments | undefined {
  const time = lastChanged === undefined ? undefined : parseSourceTime(lastChanged, timeZone)
  return time === undefined ? undefined : { lastChanged: time, checkPoint: null, limit, output }
}

function authConfig({ auth, user, password, login }: PolarisSettings): AuthConfig {
  if (auth === 'none' || user === undefined || password === undefined) return { kind: 'none' }
  const account = { user: user.reveal(), password: password.reveal() }
  return auth === 'basic' ? { kind: 'basic', ...account } : { kind: 'login', ...account, login: loginConfig(login) }
}

function loginConfig({ method, token }: PolarisSettings['login']): LoginConfig {
  return { method, token: token === undefined ? undefined : { from: tokenFrom(token), sendAs: tokenSentAs(token) } }
}

function tokenFrom({ field, pattern }: TokenSettings): TokenConfig['from'] {
  if (field !== undefined) return { kind: 'field', path: field }
  return pattern === undefined ? { kind: 'text' } : { kind: 'pattern', pattern }
}

function tokenSentAs({ query, header, headerPrefix }: TokenSettings): TokenConfig['sendAs'] {
  return header === undefined
    ? { kind: 'query', name: query ?? '' }
    : { kind: 'header', name: header, prefix: headerPrefix }
}
