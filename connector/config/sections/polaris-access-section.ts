import type * as z from 'zod'
import { shownProxy } from '../../source/polaris/http/proxy-url.ts'
import { clientCertificateProblem } from '../../source/polaris/http/secure-context.ts'
import {
  type AuthConfig,
  type ProxyConfig,
  type TlsConfig,
  type TokenConfig,
  tlsVersions,
} from '../../source/polaris/polaris-config.ts'
import type { Violation } from '../config-problem.ts'
import { revealed, type Secret } from '../given-text.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const token = setting.optionalSection(
  'Session token from the login response. Without this section, cookies carry the session',
  {
    from: setting.optional.text(
      'Where the login response has the token: in a field, or in the first group of a regular expression. Default: the whole response is the token. Example: `Session.Token`, `token=([0-9a-f]+)`',
      { check: check.tokenPlace },
    ),
    sendAs: setting.text(
      'What carries the token: a header, with an optional scheme before the token, or a query parameter, written with `?`. Example: `Authorization: Bearer`, `?token`',
      { check: check.tokenCarrier },
    ),
  },
)

export const login = setting.section('How `ACL.Login` is called, for `auth: login`', { token })

const pem = { pem: true, check: check.pem } as const

export const tls = setting.section(
  'TLS connections to the server. Its certificate is always verified',
  {
    fingerprints: setting.optional.textList(
      'SHA-256 fingerprints: only these server certificates are accepted, even if they are self-signed or expired',
      { isRequired: true, check: check.fingerprint, variable: 'POLARIS_TLS_FINGERPRINTS' },
    ),
    ca: setting.optional.secret("CAs trusted in addition to the system's: PEM text or path of a PEM file", {
      ...pem,
      kind: 'text',
      variable: 'POLARIS_CA',
    }),
    cert: setting.optional.secret(
      'Client certificate that the server or its gateway requires: PEM text or path of a PEM file',
      { ...pem, kind: 'text', variable: 'POLARIS_TLS_CERT' },
    ),
    key: setting.optional.secret('Private key of `cert`, not encrypted: PEM text or path of a PEM file', {
      ...pem,
      variable: 'POLARIS_TLS_KEY',
    }),
    minVersion: setting.choice(
      'Oldest TLS version to accept. `TLSv1` and `TLSv1.1`, for old servers, also accept short keys and SHA-1 (OpenSSL security level 0)',
      { choices: tlsVersions, default: 'TLSv1.2', variable: 'POLARIS_TLS_MIN_VERSION' },
    ),
  },
  [
    ({ fingerprints, ca }) =>
      fingerprints !== undefined && ca !== undefined
        ? [{ path: ['fingerprints'], what: 'makes ca meaningless: remove one or the other' }]
        : [],
    clientCertificate,
  ],
)

function clientCertificate({ cert, key }: { readonly cert?: Secret | undefined; readonly key?: Secret | undefined }) {
  const at = (name: string, what: string): Violation[] => [{ path: [name], what }]
  if (cert === undefined) return key === undefined ? [] : at('cert', 'is missing: required together with key')
  if (key === undefined) return at('key', 'is missing: required together with cert')
  const problem = clientCertificateProblem({ cert: cert.reveal(), key: key.reveal() })
  return problem === undefined ? [] : at(problem.of, problem.what)
}

export const proxy = setting.optional.secret(
  'HTTP proxy to this server: `http(s)://[user:password@]host[:port]`, with user and password percent-encoded. Default: none',
  {
    kind: 'url',
    shownAs: shownProxy,
    check: check.proxy,
    variable: 'POLARIS_PROXY',
  },
)

export const headers = setting.secretMap(
  'Headers sent with every request, such as the key of a gateway: a map of names to values; in the variable, lines of `Name: value`. Values are never printed',
  { problemOf: check.headerProblem, check: check.headerValue, default: {}, variable: 'POLARIS_HEADERS' },
)

interface AccessSettings {
  readonly url: string
  readonly auth: AuthConfig['kind']
  readonly user?: Secret | undefined
  readonly password?: Secret | undefined
  readonly login: z.output<typeof login>
  readonly tls: z.output<typeof tls>
  readonly headers: z.output<typeof headers>
}

export const accessRules: readonly setting.Rule<AccessSettings>[] = [credentials, encryption, headerNames]

function credentials({ auth, user, password }: AccessSettings): Violation[] {
  const set = { user, password }
  if (auth !== 'none') {
    const missing = (['user', 'password'] as const).filter((key) => set[key] === undefined)
    return missing.map((key) => ({ path: [key], what: `is missing: required with auth: ${auth}` }))
  }
  const isIgnored = user !== undefined || password !== undefined
  return isIgnored ? [{ path: ['auth'], what: 'is none, but user or password is set: use basic or login' }] : []
}

function encryption({ url, tls }: AccessSettings): Violation[] {
  const first = (['fingerprints', 'ca', 'cert', 'key'] as const).find((key) => tls[key] !== undefined)
  if (first === undefined || !url.startsWith('http:')) return []
  return [{ path: ['tls', first], what: 'has no effect with an http: URL: use https:' }]
}

/** Headers that the authentication sets. */
function headerNames({ headers, auth, login: { token } }: AccessSettings): Violation[] {
  const carrier = token && tokenSentAs(token)
  const own = [
    { name: 'authorization', isSet: auth === 'basic', by: 'auth: basic' },
    {
      name: carrier?.kind === 'header' ? carrier.name.toLowerCase() : undefined,
      isSet: auth === 'login',
      by: 'login.token.sendAs',
    },
  ]
  return Object.keys(headers).flatMap((name) => {
    const setter = own.find((other) => other.isSet && other.name === name.toLowerCase())
    return setter === undefined
      ? []
      : [{ path: ['headers', name], what: `is set by ${setter.by}: remove one or the other` }]
  })
}

export function authConfig({ auth, user, password, login }: AccessSettings): AuthConfig {
  if (auth === 'none' || user === undefined || password === undefined) return { kind: 'none' }
  const account = revealed({ user, password })
  if (auth === 'basic') return { kind: 'basic', account }
  const { token } = login
  return { kind: 'login', account, login: { token: token && { from: tokenFrom(token), sendAs: tokenSentAs(token) } } }
}

type TokenSettings = NonNullable<z.output<typeof token>>

function tokenFrom({ from }: TokenSettings): TokenConfig['from'] {
  if (from === undefined) return { kind: 'text' }
  return check.patternWithGroup.isValid(from) ? { kind: 'pattern', pattern: from } : { kind: 'field', path: from }
}

function tokenSentAs({ sendAs }: TokenSettings): TokenConfig['sendAs'] {
  if (sendAs.startsWith('?')) return { kind: 'query', name: sendAs.slice(1) }
  const [name = '', scheme] = sendAs.split(/: */)
  return { kind: 'header', name, prefix: scheme && `${scheme} ` }
}

export function tlsConfig({ fingerprints, ca, cert, key, minVersion }: z.output<typeof tls>): TlsConfig {
  const client = cert && key && { cert, key }
  return revealed({ fingerprints, ca, client, minVersion })
}

export const proxyConfig = (url: z.output<typeof proxy>): ProxyConfig | undefined =>
  url === undefined ? undefined : revealed({ url })
