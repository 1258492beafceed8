import type * as z from 'zod'
import type { SourceTime } from '../../source/client-source.ts'
import { isKeyPair } from '../../source/polaris/http/tls.ts'
import {
  type AuthConfig,
  type PolarisConfig,
  type ProxyConfig,
  polarisDefaults,
  type TlsConfig,
  type TokenConfig,
  tlsVersions,
} from '../../source/polaris/polaris-config.ts'
import { parseSourceTime } from '../../source/source-time.ts'
import { allOrNone, missingIn, type Violation } from '../config-problem.ts'
import { revealedSettings, type Secret } from '../secret.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const token = setting.optionalSection('Session token from the login response. Without it, cookies carry the session', {
  from: setting
    .text(
      'Place of the token: a field, or the group of a regular expression. Default: the whole response. Example: `Session.Token`, `token=([0-9a-f]+)`',
      { check: check.tokenPlace },
    )
    .optional(),
  sendAs: setting.text(
    'A header, with an optional scheme, or a query parameter. Example: `Authorization: Bearer`, `?token`',
    { check: check.tokenCarrier },
  ),
})

const login = setting.section('How `ACL.Login` is called, for `auth: login`', { token })

const pem = { pem: true, check: check.pem } as const

const tls = setting.section(
  'TLS connections to the server. Its certificate is always verified',
  {
    fingerprints: setting
      .secretList(
        'SHA-256 fingerprints of the only certificates to accept, even if self-signed or expired',
        check.fingerprint,
      )
      .optional(),
    ca: setting
      .secret("CAs trusted in addition to the system's", { ...pem, kind: 'text', variable: 'POLARIS_CA' })
      .optional(),
    cert: setting.secret('Client certificate', { ...pem, kind: 'text' }).optional(),
    key: setting.secret('Private key of `cert`, not encrypted', pem).optional(),
    minVersion: setting.choice('Oldest TLS version to accept. `TLSv1` and `TLSv1.1` also accept short keys and SHA-1', {
      choices: tlsVersions,
      default: 'TLSv1.2',
    }),
  },
  [clientCertificateRule],
)

function clientCertificateRule({
  cert,
  key,
}: {
  readonly cert?: Secret | undefined
  readonly key?: Secret | undefined
}) {
  if (cert === undefined || key === undefined) return allOrNone({ cert, key }, ['cert', 'key'])
  const isUsable = isKeyPair({ cert: cert.reveal(), key: key.reveal() })
  return isUsable ? [] : [{ path: ['key'], what: 'must be the private key of the certificate in cert, not encrypted' }]
}

const proxy = setting
  .secret('HTTP proxy: `http(s)://[user:password@]host[:port]`, user and password percent-encoded', {
    kind: 'url',
    check: check.proxy,
  })
  .optional()

const headers = setting.secretMap('Headers sent with every request, such as the key of a gateway', {
  names: check.headerName,
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

const accessRules: readonly setting.Rule<AccessSettings>[] = [credentialsRule, encryptionRule]

function credentialsRule({ auth, user, password }: AccessSettings): Violation[] {
  if (auth !== 'none') return missingIn({ user, password }, ['user', 'password'], `with auth: ${auth}`)
  const isIgnored = user !== undefined || password !== undefined
  return isIgnored ? [{ path: ['auth'], what: 'is none, but user or password is set: use basic or login' }] : []
}

function encryptionRule({ url, tls }: AccessSettings): Violation[] {
  const first = (['fingerprints', 'ca', 'cert', 'key'] as const).find((key) => tls[key] !== undefined)
  if (first === undefined || check.isHttps(url)) return []
  return [{ path: ['tls', first], what: 'has no effect with an http: URL: use https:' }]
}

function authConfig({ auth, user, password, login }: AccessSettings): AuthConfig {
  if (auth === 'none' || user === undefined || password === undefined) return { kind: 'none' }
  const account = revealedSettings({ user, password })
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

function tlsConfig({ fingerprints, ca, cert, key, minVersion }: z.output<typeof tls>): TlsConfig {
  const client = cert && key && { cert, key }
  return revealedSettings({ fingerprints, ca, client, minVersion })
}

const proxyConfig = (url: z.output<typeof proxy>): ProxyConfig | undefined =>
  url === undefined ? undefined : revealedSettings({ url })

const field = (description: string) => setting.text(description, { check: check.fieldPath }).optional()
const fieldList = (description: string) => setting.textList(description, { check: check.rulePath, default: [] })

export const polarisSection = setting.section(
  'The Polaris server and what is read from it',
  {
    url: setting.text('URL of the web service; without a path, `/core/api/` is added', { check: check.httpUrl }),
    auth: setting.choice('Authentication: HTTP Basic (`basic`), or a session opened with `ACL.Login` (`login`)', {
      choices: ['none', 'basic', 'login'],
      default: 'none',
    }),
    user: setting.secret('User with the right to read clients').optional(),
    password: setting.secret('Password of the user').optional(),
    login,
    tls,
    proxy,
    headers,
    codeMagasin: setting.wholeNumber('Store code for which Polaris determines the validity of loyalty cards', {
      min: -(2 ** 31),
      max: 2 ** 31 - 1,
    }),
    prefixCle: setting.text('Prefix of external keys, if you use them; sent with every request').optional(),
    lastChanged: setting
      .text("Beginning of the stream, in the server's time; required at first. Example: `2024-01-31T13:45:00`", {
        check: check.lastChanged,
      })
      .optional(),
    limit: setting.wholeNumber('Clients per page, from the next scan on', { min: 1, max: 1_000, default: 100 }),
    output: setting.choice('Format of responses, from the next scan on', { choices: ['xml', 'json'], default: 'xml' }),
    timeZone: setting.text('Time zone of the server', { check: check.timeZone, default: 'Europe/Paris' }),
    lastChangedFormat: setting.text(
      'Format of `lastChanged` in requests, of `yyyy MM dd HH mm ss SSS XXX`; other letters in single quotes',
      { check: check.datePattern, default: "yyyy-MM-dd'T'HH:mm:ss" },
    ),
    clientIdField: field('Field with the client id. Default: detected, if exactly one has a known name'),
    modifiedAtField: field('Field with the modification time. Default: detected, if exactly one has a known name'),
    clientsField: field('Field of the response with the clients. Default: detected'),
    listFields: fieldList(
      'Paths of elements that are always lists, spelled as in the response: in XML, a list of one looks like a field',
    ),
    statusFields: fieldList('Fields of a response that look like an error but are none, by name or path'),
    hashIgnore: fieldList('Fields ignored when deciding whether a client changed, such as an age'),
    requestsPerSecond: setting
      .wholeNumber('Maximum of requests per second to this server, of all streams of a replica. Default: no limit', {
        min: 1,
        max: 10_000,
      })
      .optional(),
  },
  accessRules,
)

export type PolarisSettings = z.output<typeof polarisSection>

/**
 * Returns the configuration of a source. Secrets and trusted certificates are getters, which read their files at each
 * use.
 */
export function polarisConfig(polaris: PolarisSettings): PolarisConfig {
  return {
    ...polaris,
    ...polarisDefaults,
    auth: authConfig(polaris),
    tls: tlsConfig(polaris.tls),
    proxy: proxyConfig(polaris.proxy),
    headers: revealedSettings(polaris.headers),
  }
}

/** Returns where a stream starts to read; undefined if it is not configured. */
export function beginAt({ lastChanged, timeZone }: PolarisSettings): SourceTime | undefined {
  return lastChanged === undefined ? undefined : parseSourceTime(lastChanged, timeZone)
}
