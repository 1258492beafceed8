import type * as z from 'zod'
import type { SourceTime } from '../../source/client-source.ts'
import { type PolarisConfig, polarisDefaults } from '../../source/polaris/polaris-config.ts'
import { parseSourceTime } from '../../source/source-time.ts'
import { revealed } from '../given-text.ts'
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

export const polarisSection = setting.section(
  'The Polaris server and what is read from it',
  {
    url: setting.text(
      'URL of the web service; if it has no path, `/core/api/` is added. Example: `https://polaris.example.com:3443/core/api/`',
      { check: check.httpUrl, variable: 'POLARIS_URL' },
    ),
    auth: setting.choice(
      'Authentication: `none`, HTTP Basic (`basic`), or a session opened with `ACL.Login` (`login`)',
      { choices: ['none', 'basic', 'login'], default: 'none', variable: 'POLARIS_AUTH' },
    ),
    user: setting.optional.secret('User with the right to read clients', { variable: 'POLARIS_USER' }),
    password: setting.optional.secret('Password of the user', { variable: 'POLARIS_PASSWORD' }),
    login,
    tls,
    proxy,
    headers,
    codeMagasin: setting.wholeNumber('Store code for which Polaris determines the validity of loyalty cards', {
      min: -(2 ** 31),
      max: 2 ** 31 - 1,
      variable: 'POLARIS_CODE_MAGASIN',
    }),
    prefixCle: setting.optional.text('Prefix of external keys, if you use them; sent with every request', {
      variable: 'POLARIS_PREFIX_CLE',
    }),
    lastChanged: setting.optional.text(
      "The beginning of the stream, in the server's local time: nothing is read that was last modified before. Not in the future. Required until the stream has a checkpoint. Example: `2024-01-31T13:45:00`",
      { check: check.lastChanged, variable: 'POLARIS_LAST_CHANGED' },
    ),
    limit: setting.wholeNumber('Clients per page. A new value applies from the next scan', {
      min: 1,
      max: 1_000,
      default: 100,
      variable: 'POLARIS_LIMIT',
    }),
    output: setting.choice('Format of the responses. A new value applies from the next scan', {
      choices: ['xml', 'json'],
      default: 'xml',
      variable: 'POLARIS_OUTPUT',
    }),
    timeZone: setting.text('Time zone of the server', {
      check: check.timeZone,
      default: 'Europe/Paris',
      variable: 'POLARIS_TIME_ZONE',
    }),
    lastChangedFormat: setting.text(
      'Format of `lastChanged` in requests, made of `yyyy MM dd HH mm ss SSS XXX`; other letters in single quotes',
      { check: check.datePattern, default: "yyyy-MM-dd'T'HH:mm:ss" },
    ),
    clientIdField: setting.optional.text(
      'Field that holds the client id. Default: detected, if exactly one field has a known name',
      { check: check.fieldPath, variable: 'POLARIS_CLIENT_ID_FIELD' },
    ),
    modifiedAtField: setting.optional.text(
      'Field that holds the modification time. Default: detected, if exactly one field has a known name; otherwise the `time` of an event is when the client was read',
      { check: check.fieldPath, variable: 'POLARIS_MODIFIED_AT_FIELD' },
    ),
    clientsField: setting.optional.text('Field of the response that holds the clients. Default: detected', {
      check: check.fieldPath,
      variable: 'POLARIS_CLIENTS_FIELD',
    }),
    listFields: setting.textList(
      'Fields of a client that are always lists, besides those that a page has repeated; XML does not distinguish a list with a single item from a plain field',
      { check: check.fieldPath, default: [], variable: 'POLARIS_LIST_FIELDS' },
    ),
    statusFields: setting.textList(
      'Fields of a response that look like an error or a message but are none; by name, or by path to disregard only a part of one',
      { check: check.fieldPath, default: [], variable: 'POLARIS_STATUS_FIELDS' },
    ),
    hashIgnore: setting.textList('Fields ignored when deciding whether a client changed, such as an age', {
      check: check.fieldPath,
      default: [],
      variable: 'POLARIS_HASH_IGNORE',
    }),
    requestsPerSecond: setting.optional.wholeNumber(
      'Maximum number of requests per second to this server (scheme, host and port), evenly spaced, of all streams of a replica; the same for each of its streams. Default: no limit',
      { min: 1, max: 10_000, variable: 'POLARIS_REQUESTS_PER_SECOND' },
    ),
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
