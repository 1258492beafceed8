import type * as z from 'zod'
import {
  type AuthConfig,
  type ProxyConfig,
  type TlsConfig,
  type TokenConfig,
  tlsVersions,
} from '../../source/polaris/polaris-config.ts'
import { revealed, type Secret } from '../secret.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const token = setting.optionalSection(
  'Session token from the login response. Without this section, cookies carry the session',
  {
    from: setting
      .text({
        check: check.tokenPlace,
        description:
          'Where the login response has the token: in a field, or in the first group of a regular expression. Default: the whole response is the token',
        examples: ['Session.Token', 'token=([0-9a-f]+)'],
      })
      .optional(),
    sendAs: setting.text({
      check: check.tokenCarrier,
      description:
        'What carries the token: a header, with an optional scheme before the token, or a query parameter, written with `?`',
      examples: ['Authorization: Bearer', '?token'],
    }),
  },
)

export const login = setting.section('How `ACL.Login` is called, for `auth: login`', { token })

export const tls = setting.section('TLS connections to the server. Its certificate is always verified', {
  fingerprints: setting
    .fileList({
      check: check.fingerprint,
      variable: 'POLARIS_TLS_FINGERPRINTS',
      description:
        'SHA-256 fingerprints: only these server certificates are accepted, even if they are self-signed or expired',
    })
    .optional(),
  ca: setting
    .fileText({
      pem: true,
      check: check.pem,
      variable: 'POLARIS_CA',
      description: "CAs trusted in addition to the system's: PEM text or path of a PEM file",
    })
    .optional(),
  cert: setting
    .fileText({
      pem: true,
      check: check.pem,
      variable: 'POLARIS_TLS_CERT',
      description: 'Client certificate that the server or its gateway requires: PEM text or path of a PEM file',
    })
    .optional(),
  key: setting.secret({
    pem: true,
    check: check.pem,
    variable: 'POLARIS_TLS_KEY',
    description: 'Private key of `cert`, not encrypted: PEM text or path of a PEM file',
  }),
  minVersion: setting.choice({
    choices: tlsVersions,
    default: 'TLSv1.2',
    variable: 'POLARIS_TLS_MIN_VERSION',
    description:
      'Oldest TLS version to accept. `TLSv1` and `TLSv1.1`, for old servers, also accept short keys and SHA-1 (OpenSSL security level 0)',
  }),
})

export const proxy = setting
  .proxyUrl({
    check: check.proxy,
    variable: 'POLARIS_PROXY',
    description:
      'HTTP proxy to this server: `http(s)://[user:password@]host[:port]`, with user and password percent-encoded. Default: none',
    examples: ['http://proxy.example.com:3128'],
  })
  .optional()

export const headers = setting.secretMap({
  problemOf: check.headerProblem,
  default: {},
  variable: 'POLARIS_HEADERS',
  description:
    'Headers sent with every request, such as the key of a gateway: a map of names to values; in the variable, lines of `Name: value`. Values are never printed',
})

type TokenSettings = NonNullable<z.output<typeof token>>

interface AccessSettings {
  readonly auth: AuthConfig['kind']
  readonly user?: Secret | undefined
  readonly password?: Secret | undefined
  readonly login: z.output<typeof login>
}

export function authConfig({ auth, user, password, login }: AccessSettings): AuthConfig {
  if (auth === 'none' || user === undefined || password === undefined) return { kind: 'none' }
  const account = revealed({ user, password })
  return auth === 'basic' ? { kind: 'basic', account } : { kind: 'login', account, login: loginConfig(login) }
}

const loginConfig = ({ token }: AccessSettings['login']) => ({
  token: token && { from: tokenFrom(token), sendAs: tokenSentAs(token) },
})

function tokenFrom({ from }: TokenSettings): TokenConfig['from'] {
  if (from === undefined) return { kind: 'text' }
  return check.patternWithGroup.isValid(from) ? { kind: 'pattern', pattern: from } : { kind: 'field', path: from }
}

export function tokenSentAs({ sendAs }: TokenSettings): TokenConfig['sendAs'] {
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
