import { polarisDefaults } from '../source/polaris-config.ts'
import * as check from './setting-checks.ts'
import * as setting from './setting-types.ts'

const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 }
const { retry, timeouts, limits } = polarisDefaults

const token = setting.optionalSection('How a token from the login answer carries the session. Without it, cookies do', {
  field: setting
    .text({ description: 'Field of the login answer that holds the token' }, check.isFieldPath, check.fieldPathRule)
    .optional(),
  pattern: setting
    .text(
      { description: 'Regular expression over the login answer; its first group is the token' },
      check.isPatternWithGroup,
      check.patternRule,
    )
    .optional(),
  wholeAnswer: setting.flagOr('false', { description: 'The whole answer is the token' }),
  query: setting.text({ description: 'Name of the query parameter that carries the token' }).optional(),
  header: setting
    .text({ description: 'Name of the header that carries the token' }, check.isHeaderName, check.headerNameRule)
    .optional(),
  headerPrefix: setting.text({ description: "What the header's value starts with", examples: ['Bearer '] }).optional(),
})

const login = setting.section('How `ACL.Login` is called, for `auth: login`', {
  method: setting.choiceOr(polarisDefaults.loginMethod, ['POST', 'GET'], {
    description: 'POST keeps the password out of addresses and access logs',
  }),
  token,
})

const tls = setting.section('Whom to trust. There is no way to skip the verification', {
  fingerprint: setting
    .text(
      {
        description:
          'SHA-256 of the certificate of the server: exactly this one is accepted, self-signed or expired too',
        variable: 'POLARIS_TLS_FINGERPRINT',
      },
      check.isFingerprint,
      check.fingerprintRule,
    )
    .optional(),
  ca: setting
    .text(
      {
        description: "CAs trusted besides the system's: PEM text or path of a PEM file",
        variable: 'POLARIS_CA',
        pem: true,
      },
      check.isPem,
      check.pemRule,
    )
    .optional(),
})

/** One Polaris server: how it is reached, asked and read. */
export const polarisSection = setting.section('The Polaris server and what is read from it', {
  url: setting.text(
    {
      description: 'Address of the web service; without a path, `/core/api/` is meant',
      variable: 'POLARIS_URL',
      examples: ['https://polaris.example.com:3443/core/api/'],
    },
    check.isHttpUrl,
    check.httpUrlRule,
  ),
  auth: setting.choiceOr('none', ['none', 'basic', 'login'], {
    description: 'How to sign in: not at all, by HTTP Basic, or by `ACL.Login`',
    variable: 'POLARIS_AUTH',
  }),
  user: setting.secretText({ description: 'User with the right to read clients', variable: 'POLARIS_USER' }),
  password: setting.secretText({ description: 'Password of the user', variable: 'POLARIS_PASSWORD' }),
  login,
  tls,
  codeMagasin: setting.wholeNumber(int32, {
    description: 'Store code that the validity of loyalty cards refers to',
    variable: 'POLARIS_CODE_MAGASIN',
    examples: [1],
  }),
  prefixCle: setting
    .text({
      description: 'Prefix of external keys, where they are used; sent with every call',
      variable: 'POLARIS_PREFIX_CLE',
    })
    .optional(),
  lastChanged: setting
    .text(
      {
        description:
          "Where a new stream begins, in the server's time. Needed until there is a checkpoint, ignored from then on",
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
      description: 'Clients in a page. A change holds from the next drain on',
      variable: 'POLARIS_LIMIT',
    },
  ),
  output: setting.choiceOr('xml', ['xml', 'json'], {
    description: 'Format of the answers. A change holds from the next drain on',
    variable: 'POLARIS_OUTPUT',
  }),
  method: setting.choiceOr(polarisDefaults.method, ['GET', 'POST'], {
    description: 'How pages are asked for: in the query, or as a form',
  }),
  timeZone: setting.textOr(
    polarisDefaults.timeZone,
    { description: "The server's time zone", variable: 'POLARIS_TIME_ZONE' },
    check.isTimeZone,
    check.timeZoneRule,
  ),
  lastChangedFormat: setting.textOr(
    polarisDefaults.lastChangedFormat,
    { description: 'Pattern of `lastChanged` in a request: `yyyy MM dd HH mm ss SSS XXX`, other text in quotes' },
    check.isTimeFormat,
    check.timeFormatRule,
  ),
  clientIdField: setting
    .text(
      {
        description: 'Field that holds the id of a client. Without it, the page must make it plain',
        variable: 'POLARIS_CLIENT_ID_FIELD',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .optional(),
  modifiedAtField: setting
    .text(
      {
        description: 'Field that holds when a client was modified. Without it, taken where plain',
        variable: 'POLARIS_MODIFIED_AT_FIELD',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .optional(),
  clientsField: setting
    .text(
      {
        description: 'Field of the answer that holds the clients. Without it, recognised',
        variable: 'POLARIS_CLIENTS_FIELD',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .optional(),
  listFields: setting
    .textList(
      {
        description: 'Fields of a client that are lists even with a single item (XML cannot tell)',
        variable: 'POLARIS_LIST_FIELDS',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .prefault([...polarisDefaults.listFields]),
  hashIgnore: setting
    .textList(
      {
        description: 'Fields of a client whose change alone is no change: an age, the points of today',
        variable: 'POLARIS_HASH_IGNORE',
      },
      check.isFieldPath,
      check.fieldPathRule,
    )
    .prefault([]),
  timeouts: setting.section('How long the server may take', {
    connect: setting.duration(timeouts.connectMs, { description: 'To accept a connection, TLS included' }),
    headers: setting.duration(timeouts.headersMs, { description: 'From the request to the first part of the answer' }),
    body: setting.duration(timeouts.bodyMs, { description: 'For the rest of the answer' }),
  }),
  server: setting.section(
    'What the server (scheme, host and port) is asked at most, by all streams of a replica together, which must write the same here. Who waits does so in turn',
    {
      concurrentRequests: setting.wholeNumberOr(
        limits.concurrentRequests,
        { min: 1, max: 10_000 },
        { description: 'Requests at the same time; a stream makes one at a time' },
      ),
      requestsPerSecond: setting
        .wholeNumber(
          { min: 1, max: 10_000 },
          {
            description: 'Requests that begin in a second, evenly spread. Without it, no limit',
            variable: 'POLARIS_REQUESTS_PER_SECOND',
          },
        )
        .optional(),
    },
  ),
  maxBodyBytes: setting.size(polarisDefaults.maxBodyBytes, { description: 'Largest answer that is read' }),
  retry: setting.section('Tries of one page, before the stream waits and begins anew', {
    retries: setting.wholeNumberOr(retry.retries, { min: 0, max: 1000 }, { description: 'Tries after the first one' }),
    firstPause: setting.duration(retry.firstPauseMs, {
      description: 'Upper bound of the first pause; it doubles each time',
    }),
    maxPause: setting.duration(retry.maxPauseMs, { description: 'Upper bound of every pause' }),
    maxRetryAfter: setting.duration(retry.maxRetryAfterMs, { description: 'How much of a `Retry-After` is granted' }),
  }),
})
