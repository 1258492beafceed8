import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { publishError } from '../../connector/kafka/kafka-errors.ts'
import { errorCatalogue } from '../../connector/runtime/error-catalogue.ts'
import { networkError } from '../../connector/source/polaris/answer/network-error.ts'
import { asStorageError } from '../../connector/storage/file-store.ts'
import { s3Error, s3Failure } from '../../connector/storage/s3/s3-failure.ts'
import { typed } from '../support/typed-command.ts'
import { leastEnvironment as least, leastFile } from './config/config-sources.ts'

// A person makes each mistake in settings, files or command lines, and reads what the command prints.

const fingerprint = Array.from({ length: 32 }, () => '6C').join(':')

/** Variables, and the line that names the setting, what is wrong, and the cure. */
test.each<[Readonly<Record<string, string>>, string]>([
  [{ CONNECTOR_ID: '', CONECTOR_ID: 'a' }, 'CONECTOR_ID: is not a setting; did you mean CONNECTOR_ID?'],
  [{ POLARIS_FOO: '1' }, 'POLARIS_FOO: is not a setting: remove it; config/reference.md lists all variables'],
  [{ POLARIS_CODE_MAGAZIN: '1' }, 'POLARIS_CODE_MAGAZIN: is not a setting; did you mean POLARIS_CODE_MAGASIN?'],
  [
    { POLARIS_USER: 'u', POLARIS_PASSWORD: 'p' },
    'polaris.auth (POLARIS_AUTH): is none, but user or password is set: use basic or login',
  ],
  [
    { POLARIS_AUTH: 'basic', POLARIS_USER: 'u' },
    'polaris.password (POLARIS_PASSWORD): is missing: required with auth: basic',
  ],
  [{ POLARIS_URL: 'polaris.example.com:3443' }, '(POLARIS_URL): must be http(s)://host[:port][/path], without user'],
  [{ POLARIS_LAST_CHANGED: '31/01/2026' }, '(POLARIS_LAST_CHANGED): must be a date such as 2024-01-31 or 2024-01-31T'],
  [
    { POLARIS_TLS_FINGERPRINTS: fingerprint.slice(6) },
    'polaris.tls.fingerprints[0] (POLARIS_TLS_FINGERPRINTS): must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons, or the line that openssl prints',
  ],
  [
    { POLARIS_URL: 'http://p', POLARIS_TLS_FINGERPRINTS: fingerprint },
    '(POLARIS_TLS_FINGERPRINTS): has no effect with an http: URL: use https:',
  ],
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

test('lint answers two streams of one name with both', async () => {
  const { exit, output } = await typed({ yaml: `${leastFile}${stream}${stream.slice(9)}` })
  expect(output).toContain('streams[1].name: must be unique: streams[0]')
  expect(exit).toBe(2)
})

test('a file that is not there is named', async () => {
  const { exit, output } = await typed({ command: 'lint --config none.yaml' })
  expect(output).toContain('none.yaml: cannot be read (ENOENT)')
  expect(exit).toBe(2)
})

test('each hint, and each message for an error code of the system, says what to check in words', () => {
  for (const { hint, runHint } of Object.values(errorCatalogue))
    for (const text of [hint, runHint]) expect(text).toMatch(/^[a-z`].* (?!error$)\S+$/)
  for (const code of Object.keys(constants.errno)) {
    const error = Object.assign(new Error('planted'), { code })
    const messages = [
      networkError(error, new URL('https://p')).message,
      s3Error('read', s3Failure(error)).message,
      String(asStorageError('read', error)),
      publishError('publish', error).message,
    ]
    for (const text of messages) expect(text.replace(code, '')).toMatch(/: [a-z]+ \S+/)
  }
})

test('accepts the fingerprint as openssl prints it', async () => {
  const printed = { ...least, POLARIS_TLS_FINGERPRINTS: `sha256 Fingerprint=${fingerprint}` }
  expect((await typed({ environment: printed })).exit).toBe(0)
})
