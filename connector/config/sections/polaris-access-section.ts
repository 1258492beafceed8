import type * as z from 'zod'
import type {
  AuthConfig,
  ClientCertificate,
  LoginConfig,
  ProxyConfig,
  TlsConfig,
  TokenConfig,
} from '../../source/polaris/polaris-config.ts'
import { tlsVersions } from '../../source/polaris/polaris-config.ts'
import { listItems } from '../document.ts'
import type { Secret } from '../secret.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const token = setting.optionalSection(
  'Session token from the login response. Without this section, cookies carry the session',
  {
    field: setting
      .text(
        {
          description:
            'Field of the login response that holds the token. Without `field` and `pattern`, the whole response is the token',
        },
        check.isFieldPath,
        check.fieldPathRule,
      )
      .optional(),
    pattern: setting
      .text(
        { description: 'Regular expression applied to the login response; its first group is the token' },
        check.isPatternWithGroup,
        check.patternRule,
      )
      .optional(),
    query: setting.text({ description: 'Query parameter that sends the token' }).optional(),
    header: setting
      .text(
        {
          description: 'Header that sends the token, with an optional scheme before it',
          examples: ['Authorization: Bearer'],
        },
        check.isTokenHeader,
        check.tokenHeaderRule,
      )
      .optional(),
  },
)

export const login = setting.section('How `ACL.Login` is called, for `auth: login`', {
  token,
})

export const tls = setting.section('TLS connections to the server. Its certificate is always verified', {
  fingerprints: setting
    .fileList(
      {
        description:
          'SHA-256 fingerprints of the server certificate: only these certificates are accepted, even if they are self-signed or expired. Before the certificate is renewed, add the new fingerprint',
        variable: 'POLARIS_TLS_FINGERPRINTS',
      },
      check.isFingerprint,
      check.fingerprintRule,
    )
    .optional(),
  ca: setting
    .fileText(
      {
        description: "CAs trusted in addition to the system's: PEM text or path of a PEM file",
        variable: 'POLARIS_CA',
        pem: true,
      },
      check.isPem,
      check.pemRule,
    )
    .optional(),
  cert: setting
    .fileText(
      {
        description: 'Client certificate that the server or its gateway requires: PEM text or path of a PEM file',
        variable: 'POLARIS_TLS_CERT',
        pem: true,
      },
      check.isPem,
      check.pemRule,
    )
    .optional(),
  key: setting.secretText(
    {
      description: 'Private key of `cert`: PEM text or path of a PEM file',
      variable: 'POLARIS_TLS_KEY',
      pem: true,
    },
    check.isPem,
    check.pemRule,
  ),
  keyPassphrase: setting.secretText({
    description: 'Passphrase of the private key, if it is encrypted',
    variable: 'POLARIS_TLS_KEY_PASSPHRASE',
  }),
  minVersion: setting.choiceOr('TLSv1.2', tlsVersions, {
    description:
      'Oldest TLS version to accept. `TLSv1` and `TLSv1.1`, for old servers, also accept short keys and SHA-1 (OpenSSL security level 0)',
    variable: 'POLARIS_TLS_MIN_VERSION',
  }),
})

export const proxy = setting
  .proxyUrl(
    {
      description:
        'HTTP proxy to this server: `http(s)://[user:password@]host[:port]`, with user and password percent-encoded. `none`: no proxy. Default: `HTTPS_PROXY` or `HTTP_PROXY`, by the scheme of `url`, unless `NO_PROXY` lists its host',
      variable: 'POLARIS_PROXY',
      examples: ['http://proxy.example.com:3128'],
    },
    check.isProxy,
    check.proxyRule,
  )
  .optional()

export const headers = setting
  .secretMap(
    {
      description:
        'Headers sent with every request, such as the key of a gateway: a map of names to values; in the variable, lines of `Name: value`. Values are never printed',
      variable: 'POLARIS_HEADERS',
    },
    check.headerProblem,
  )
  .prefault({})

type LoginSettings = z.output<typeof login>
type TokenSettings = NonNullable<LoginSettings['token']>

interface AuthSettings {
  readonly auth: AuthConfig['kind']
  readonly user?: Secret | undefined
  readonly password?: Secret | undefined
  readonly login: LoginSettings
}

export function authConfig({ auth, user, password, login }: AuthSettings): AuthConfig {
  if (auth === 'none' || user === undefined || password === undefined) return { kind: 'none' }
  const account = {
    get user() {
      return user.reveal()
    },
    get password() {
      return password.reveal()
    },
  }
  return auth === 'basic' ? { kind: 'basic', account } : { kind: 'login', account, login: loginConfig(login) }
}

type TlsSettings = z.output<typeof tls>

export function tlsConfig({ fingerprints, ca, minVersion, ...client }: TlsSettings): TlsConfig {
  return {
    get fingerprints() {
      return fingerprints && listItems(fingerprints.reveal())
    },
    get ca() {
      return ca?.reveal()
    },
    client: clientCertificate(client),
    minVersion,
  }
}

function clientCertificate({
  cert,
  key,
  keyPassphrase,
}: Pick<TlsSettings, 'cert' | 'key' | 'keyPassphrase'>): ClientCertificate | undefined {
  if (cert === undefined || key === undefined) return undefined
  return {
    get cert() {
      return cert.reveal()
    },
    get key() {
      return key.reveal()
    },
    get passphrase() {
      return keyPassphrase?.reveal()
    },
  }
}

export function proxyConfig(url: z.output<typeof proxy>): ProxyConfig | undefined {
  if (url === undefined || url.reveal() === 'none') return undefined
  return {
    get url() {
      return url.reveal()
    },
  }
}

/** An object whose fields read the secrets again. */
export function headersConfig(values: z.output<typeof headers>): Readonly<Record<string, string>> {
  const fields = Object.entries(values).map(([name, value]) => [name, { enumerable: true, get: () => value.reveal() }])
  return Object.defineProperties({}, Object.fromEntries(fields))
}

function loginConfig({ token }: LoginSettings): LoginConfig {
  return { token: token === undefined ? undefined : { from: tokenFrom(token), sendAs: tokenSentAs(token) } }
}

function tokenFrom({ field, pattern }: TokenSettings): TokenConfig['from'] {
  if (field !== undefined) return { kind: 'field', path: field }
  return pattern === undefined ? { kind: 'text' } : { kind: 'pattern', pattern }
}

function tokenSentAs({ query, header }: TokenSettings): TokenConfig['sendAs'] {
  if (header === undefined) return { kind: 'query', name: query ?? '' }
  const [name = '', scheme] = header.split(/: */)
  return { kind: 'header', name, prefix: scheme && `${scheme} ` }
}
