import type * as z from 'zod'
import type { SourceTime } from '../../source/client-source.ts'
import { type PolarisConfig, polarisDefaults } from '../../source/polaris/polaris-config.ts'
import { parseSourceTime } from '../../source/source-time.ts'
import { revealed } from '../secret.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'
import {
  accessRules,
  authConfig,
  headers,
  login,
  proxy,
  proxyConfig,
  tls,
  tlsConfig,
} from './polaris-access-section.ts'

const field = (description: string) => setting.text(description, { check: check.fieldPath }).optional()
const fieldList = (description: string) => setting.textList(description, { check: check.fieldPath, default: [] })

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
    listFields: fieldList('Fields that are always lists: in XML, a list of one looks like a plain field'),
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

/** Secrets and trusted certificates are getters, which read their files at each use. */
export function polarisConfig(polaris: PolarisSettings): PolarisConfig {
  return {
    ...polaris,
    ...polarisDefaults,
    auth: authConfig(polaris),
    tls: tlsConfig(polaris.tls),
    proxy: proxyConfig(polaris.proxy),
    headers: revealed(polaris.headers),
  }
}

/** Where a stream starts to read; undefined: not configured. */
export function beginAt({ lastChanged, timeZone }: PolarisSettings): SourceTime | undefined {
  return lastChanged === undefined ? undefined : parseSourceTime(lastChanged, timeZone)
}
