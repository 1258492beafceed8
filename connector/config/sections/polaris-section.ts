import type * as z from 'zod'
import type { SourceTime } from '../../source/client-source.ts'
import type { PolarisConfig } from '../../source/polaris/polaris-config.ts'
import { polarisDefaults } from '../../source/polaris/polaris-config.ts'
import { parseSourceTime } from '../../source/source-time.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'
import {
  authConfig,
  headers,
  headersConfig,
  login,
  proxy,
  proxyConfig,
  tls,
  tlsConfig,
} from './polaris-access-section.ts'
import { serverLimits } from './polaris-server-section.ts'

const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 }

export const polarisSection = setting.section('The Polaris server and what is read from it', {
  url: setting.text(
    {
      description: 'URL of the web service; if it has no path, `/core/api/` is added',
      variable: 'POLARIS_URL',
      examples: ['https://polaris.example.com:3443/core/api/'],
    },
    check.isHttpUrl,
    check.httpUrlRule,
  ),
  auth: setting.choiceOr('none', ['none', 'basic', 'login'], {
    description: 'Authentication: `none`, HTTP Basic (`basic`), or a session opened with `ACL.Login` (`login`)',
    variable: 'POLARIS_AUTH',
  }),
  user: setting.secretText({ description: 'User with the right to read clients', variable: 'POLARIS_USER' }),
  password: setting.secretText({ description: 'Password of the user', variable: 'POLARIS_PASSWORD' }),
  login,
  tls,
  proxy,
  headers,
  codeMagasin: setting.wholeNumber(int32, {
    description: 'Store code for which Polaris determines the validity of loyalty cards',
    variable: 'POLARIS_CODE_MAGASIN',
    examples: [1],
  }),
  prefixCle: setting
    .text({
      description: 'Prefix of external keys, if you use them; sent with every request',
      variable: 'POLARIS_PREFIX_CLE',
    })
    .optional(),
  lastChanged: setting
    .text(
      {
        description:
          "The beginning of the stream, in the server's local time: nothing is read that was last modified before. Not in the future. Required until the stream has a checkpoint",
        variable: 'POLARIS_LAST_CHANGED',
        examples: ['2024-01-31T13:45:00'],
      },
      check.isLastChanged,
      check.lastChangedRule,
    )
    .optional(),
  limit: setting.wholeNumberOr(
    100,
    { min: 1, max: 100_000 },
    {
      description:
        'Clients per page; smaller pages are read while these take too long or are too large. A new value applies from the next scan',
      variable: 'POLARIS_LIMIT',
    },
  ),
  output: setting.choiceOr('xml', ['xml', 'json'], {
    description: 'Format of the responses. A new value applies from the next scan',
    variable: 'POLARIS_OUTPUT',
  }),
  method: setting.choiceOr('GET', ['GET', 'POST'], {
    description: 'HTTP method of page requests: `GET` with query parameters, or `POST` with a form',
  }),
  timeZone: setting.textOr(
    'Europe/Paris',
    { description: 'Time zone of the server', variable: 'POLARIS_TIME_ZONE' },
    check.isTimeZone,
    check.timeZoneRule,
  ),
  lastChangedFormat: setting.textOr(
    "yyyy-MM-dd'T'HH:mm:ss",
    {
      description:
        'Format of `lastChanged` in requests, made of `yyyy MM dd HH mm ss SSS XXX`; other letters in single quotes',
    },
    check.isTimeFormat,
    check.timeFormatRule,
  ),
  clientIdField: setting
    .text(
      {
        description: 'Field that holds the client id. Default: detected, if exactly one field has a known name',
        variable: 'POLARIS_CLIENT_ID_FIELD',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .optional(),
  modifiedAtField: setting
    .text(
      {
        description:
          'Field that holds the modification time. Default: detected, if exactly one field has a known name; otherwise the `time` of an event is when the client was read',
        variable: 'POLARIS_MODIFIED_AT_FIELD',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .optional(),
  clientsField: setting
    .text(
      {
        description: 'Field of the response that holds the clients. Default: detected',
        variable: 'POLARIS_CLIENTS_FIELD',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .optional(),
  listFields: setting
    .textList(
      {
        description:
          'Fields of a client that are always lists; XML does not distinguish a list with a single item from a plain field',
        variable: 'POLARIS_LIST_FIELDS',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .prefault([]),
  statusFields: setting
    .textList(
      {
        description:
          'Fields of a response that look like an error or a message but are none; by name, or by path to disregard only a part of one',
        variable: 'POLARIS_STATUS_FIELDS',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .prefault([]),
  hashIgnore: setting
    .textList(
      {
        description: 'Fields ignored when deciding whether a client changed, such as an age',
        variable: 'POLARIS_HASH_IGNORE',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .prefault([]),
  server: serverLimits,
})

export type PolarisSettings = z.output<typeof polarisSection>

/** Secrets and trusted certificates are getters, which read their files at each use. */
export function polarisConfig(polaris: PolarisSettings): PolarisConfig {
  return {
    ...polarisDefaults,
    url: polaris.url,
    auth: authConfig(polaris),
    tls: tlsConfig(polaris.tls),
    proxy: proxyConfig(polaris.proxy),
    headers: headersConfig(polaris.headers),
    codeMagasin: polaris.codeMagasin,
    prefixCle: polaris.prefixCle,
    method: polaris.method,
    timeZone: polaris.timeZone,
    lastChangedFormat: polaris.lastChangedFormat,
    clientsField: polaris.clientsField,
    clientIdField: polaris.clientIdField,
    listFields: polaris.listFields,
    statusFields: polaris.statusFields,
    limits: polaris.server,
  }
}

/** Where a stream starts to read; undefined: not configured. */
export function beginAt({ lastChanged, timeZone }: PolarisSettings): SourceTime | undefined {
  return lastChanged === undefined ? undefined : parseSourceTime(lastChanged, timeZone)
}
