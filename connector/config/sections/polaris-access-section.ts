import type * as z from 'zod'
import { clientCertificateProblem } from '../../source/polaris/http/secure-context.ts'
import {
  type AuthConfig,
  type ProxyConfig,
  type TlsConfig,
  type TokenConfig,
  tlsVersions,
} from '../../source/polaris/polaris-config.ts'
import type { Violation } from '../config-problem.ts'
import { revealed, type Secret } from '../secret.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const token = setting.optionalSection('Session token from the login response. Without it, cookies carry the session', {
  from: setting
    .text(
      'Where the token is: in a field, or in the group of a regular expression. Default: the response is the token. Example: `Session.Token`, `token=([0-9a-f]+)`',
      { check: check.tokenPlace },
    )
    .optional(),
  sendAs: setting.text(
    'A header, with an optional scheme, or a query parameter. Example: `Authorization: Bearer`, `?token`',
    { check: check.tokenCarrier },
  ),
})

export const login = setting.section('How `ACL.Login` is called, for `auth: login`', { token })

const pem = { pem: true, check: check.pem } as const

export const tls = setting.section(
  'TLS connections to the server. Its certificate is always verified',
  {
    fingerprints: setting
      .textList('SHA-256 fingerprints of the only certificates to accept, even if self-signed or expired', {
        isRequired: true,
        check: check.fingerprint,
      })
      .optional(),
    ca: setting
      .secret("CAs trusted in addition to the system's", { ...pem, kind: 'text', variable: 'POLARIS_CA' })
      .optional(),
    cert: setting.secret('Client certificate', { ...pem, kind: 'text' }).optional(),
    key: setting.secret('Private key of `cert`, not encrypted', pem).optional(),
    minVersion: setting.choice(
      'Oldest TLS version to accept. `TLSv1` and `TLSv1.1` also accept short keys and SHA-1 (OpenSSL security level 0)',
      { choices: tlsVersions, default: 'TLSv1.2' },
    ),
  },
  [clientCertificate],
)

function clientCertificate({ cert, key }: { readonly cert?: Secret | undefined; readonly key?: Secret | undefined }) {
  const at = (name: string, what: string): Violation[] => [{ path: [name], what }]
  if (cert === undefined) return key === undefined ? [] : at('cert', 'is missing: required together with key')
  if (key === undefined) return at('key', 'is missing: required together with cert')
  const problem = clientCertificateProblem({ cert: cert.reveal(), key: key.reveal() })
  return problem === undefined ? [] : at(problem.of, problem.what)
}

export const proxy = setting
  .secret('HTTP proxy: `http(s)://[user:password@]host[:port]`, user and password percent-encoded', {
    kind: 'url',
    check: check.proxy,
  })
  .optional()

export const headers = setting.secretMap('Headers sent with every request, such as the key of a gateway', {
  problemOf: check.headerProblem,
  check: check.headerValue,
  default: {},
})

interface AccessSettings {
  readonly url: string
  readonly auth: AuthConfig['kind']
  readonly user?: Secret | undefined
  readonly password?: Secret | undefined
  readonly login: z.output<typeof login>
  readonly tls: z.output<typeof tls>
}

export const accessRules: readonly setting.Rule<AccessSettings>[] = [credentials, encryption]

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

export function authConfig({ auth, user, password, login }: AccessSettings): AuthConfig {
  if (auth === 'none' || user === undefined || password === undefined) return { kind: 'none' }
  const account = revealed({ user, password })
  if (auth === 'basic') return { kind: 'basic', account }
  const { token } = login
  return { kind: 'login', account, token: token && { from: tokenFrom(token), sendAs: tokenSentAs(token) } }
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
