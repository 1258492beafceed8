import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { typed } from '../support/typed-command.ts'
import { leastEnvironment as least, leastFile } from './config/config-sources.ts'

const fingerprint = Array.from({ length: 32 }, () => '6C').join(':')

/** Variables, and the line that names the setting, what is wrong, and the cure. */
test.each<[Readonly<Record<string, string>>, string]>([
  [{ CONNECTOR_ID: '', CONECTOR_ID: 'a' }, 'CONECTOR_ID: is not a setting; did you mean CONNECTOR_ID?'],
  [{ POLARIS_FOO: '1' }, 'POLARIS_FOO: is not a setting: remove it; config/reference.md lists all variables'],
  [{ POLARIS_CODE_MAGAZIN: '1' }, 'POLARIS_CODE_MAGAZIN: is not a setting; did you mean POLARIS_CODE_MAGASIN?'],
  [{ POLARIS_AUTH: 'ntlm' }, 'polaris.auth (POLARIS_AUTH): must be one of none, basic, login'],
  [
    { POLARIS_USER: 'u', POLARIS_PASSWORD: 'p' },
    'polaris.auth (POLARIS_AUTH): is none, but user or password is set: use basic or login',
  ],
  [
    { POLARIS_AUTH: 'basic', POLARIS_USER: 'u' },
    'polaris.password (POLARIS_PASSWORD): is missing: required with auth: basic',
  ],
  [{ POLARIS_USER_FILE: '/none' }, 'POLARIS_USER_FILE: names a file that cannot be read (ENOENT)'],
  [{ POLARIS_URL: 'polaris.example.com:3443' }, '(POLARIS_URL): must be http(s)://host[:port][/path], without user'],
  [{ POLARIS_URL: 'https://u:p@polaris' }, '(POLARIS_URL): must be http(s)://host[:port][/path], without user, query'],
  [{ POLARIS_LAST_CHANGED: '31/01/2026' }, '(POLARIS_LAST_CHANGED): must be a date such as 2024-01-31 or 2024-01-31T'],
  [
    { POLARIS_TLS_FINGERPRINTS: fingerprint.slice(6) },
    'polaris.tls.fingerprints[0] (POLARIS_TLS_FINGERPRINTS): must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons, or the line that openssl prints',
  ],
  [
    { POLARIS_URL: 'http://p', POLARIS_TLS_FINGERPRINTS: fingerprint },
    '(POLARIS_TLS_FINGERPRINTS): has no effect with an http: URL: use https:',
  ],
  [{ POLARIS_CA: 'ca.pem' }, 'tls.ca (POLARIS_CA): must be PEM text or the path of a readable file (ENOENT)'],
  [{ KAFKA_BROKERS: 'kafka' }, 'kafka.brokers[0] (KAFKA_BROKERS): must be host:port'],
  [{ KAFKA_SASL_MECHANISM: 'PLAIN' }, '(KAFKA_SASL_USERNAME): is missing: required together with mechanism'],
  [
    { CHECKPOINT_URL: 's3://Bad_Bucket/x' },
    'checkpoint.url (CHECKPOINT_URL): must have a valid bucket name: 3 to 63 lower-case letters, digits',
  ],
  [{ CHECKPOINT_URL: '/var/lib/x' }, 'url (CHECKPOINT_URL): must be s3://bucket/prefix or file:directory'],
  [
    { CHECKPOINT_URL: 'file:~/checkpoints' },
    '(CHECKPOINT_URL): must not begin with ~, which is not expanded: write the whole path, file:/home/…',
  ],
  [{ POLL_INTERVAL: '5' }, 'poll.interval (POLL_INTERVAL): must be a duration such as 500ms, 5s, 5m, 12h or 7d'],
  [{ HTTP_PORT: '99999' }, 'http.port (HTTP_PORT): must be a whole number from 0 to 65535'],
])('lint answers the mistake %j with setting, place and cure', async (mistake, line) => {
  const { exit, output } = await typed({ environment: { ...least, ...mistake } })
  expect(output).toContain(line)
  expect(exit).toBe(2)
})

test.each(['lint', 'checkpoint show'])('%s warns of a variable that may be a misspelled setting', async (command) => {
  const { exit, output } = await typed({
    command,
    environment: { ...least, LOGLEVEL: 'debug', CHECKPOINT_URL: 'file:/tmp/none' },
  })
  expect(output).toContain('LOGLEVEL: is not a setting; did you mean LOG_LEVEL?')
  expect(exit).toBe(0)
})

test.each([
  ['', /^stored, but there is no readable checkpoint\. If the stream is held .* with --yes and --republish$/m],
  [' --republish', /with --yes and --republish$/m],
])('a rewind%s of a stream without a checkpoint says at once what a held one needs', async (more, answer) => {
  const folder = mkdtempSync(join(tmpdir(), 'mistakes-'))
  const environment = { ...least, CHECKPOINT_URL: `file:${folder}` }
  const { exit, output } = await typed({ command: `checkpoint rewind --to beginning${more}`, environment })
  expect(output).toMatch(answer)
  expect(exit).toBe(3)
  rmSync(folder, { recursive: true })
})

const stream = 'streams:\n  - polaris: { url: https://p, codeMagasin: 1 }\n'

test.each([
  ['an unknown key', `${leastFile}${stream.replace('codeMagasin', 'codeMagazin')}`, 'did you mean codeMagasin?'],
  ['a tab', 'kafka:\n\tbrokers: [k:1]\n', 'connector.yaml:2: is not valid YAML (tab as indent): indent with spaces'],
  [
    'a colon in a value',
    'connector: a: b\n',
    'is not valid YAML (block as implicit key): check indentation, and put the',
  ],
  ['two streams of one name', `${leastFile}${stream}${stream.slice(9)}`, 'streams[1].name: must be unique: streams[0]'],
  [
    'an unset variable',
    `connector: \${NAME}\n`,
    'connector (CONNECTOR_ID): refers to the variable NAME, which is not set',
  ],
  ['a variable for one of several streams', `${leastFile}${stream}  - {}\n`, 'set polaris.limit in each stream'],
])('lint answers a mistake in the file with line or setting, and cure: %s', async (_, yaml, line) => {
  const { exit, output } = await typed({ yaml, environment: { POLARIS_LIMIT: '9' } })
  expect(output).toContain(line)
  expect(exit).toBe(2)
})

test.each([
  ['lint', 'connector (CONNECTOR_ID): is missing'],
  ['lint --config none.yaml', 'none.yaml: cannot be read (ENOENT)'],
  ['chekpoint show', 'unknown command chekpoint; did you mean checkpoint?'],
  ['lint --jsno', 'unknown option --jsno; did you mean --json?\nTry: polaris-connector lint --help'],
  ['run --config', '--config requires a value\nTry: polaris-connector run --help'],
  ['run connector.yaml', 'run takes only options, no arguments\nTry: polaris-connector run --help'],
])('a mistake in the command is answered with the cure: %s', async (command, line) => {
  const { exit, output } = await typed({ command })
  expect(output).toContain(line)
  expect(exit).toBe(2)
})

test('accepts the fingerprint as openssl prints it', async () => {
  const printed = { ...least, POLARIS_TLS_FINGERPRINTS: `sha256 Fingerprint=${fingerprint}` }
  expect((await typed({ environment: printed })).exit).toBe(0)
})
