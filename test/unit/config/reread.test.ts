import { expect, test } from 'vitest'
import { connectorConfig } from '../../../connector/config/connector-config.ts'
import type { LoadedConfig } from '../../../connector/config/load-config.ts'
import { fromEnvironment, fromFile, leastEnvironment, leastFile, valid } from './config-sources.ts'

// Files change after the configuration was loaded, and are read again at each use.

const pem = (text: string) => `-----BEGIN ${text}`
const account = {
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'u',
  KAFKA_SASL_PASSWORD_FILE: '/kafka',
  POLARIS_AUTH: 'basic',
  POLARIS_USER_FILE: '/user',
  POLARIS_PASSWORD_FILE: '/polaris',
}

test('user and password are read again from their files at each use', () => {
  const files: Record<string, string> = { '/kafka': 'old\n', '/user': 'bob\n', '/polaris': 'old\n' }
  const config = connectorConfig(valid(fromEnvironment({ ...leastEnvironment, ...account }, files)))
  const [stream] = config.streams
  expect(config.kafka.sasl).toMatchObject({ username: 'u', password: 'old' })
  Object.assign(files, { '/kafka': 'new\n', '/user': 'zoé\n', '/polaris': 'newer\n' })
  expect(config.kafka.sasl).toMatchObject({ username: 'u', password: 'new' })
  expect(stream?.kafka.sasl).toMatchObject({ password: 'new' })
  expect(stream?.polaris.auth).toMatchObject({ account: { user: 'zoé', password: 'newer' } })
})

test('certificates, keys and CAs are read again from their files at each use', () => {
  const files: Record<string, string> = { '/ca': pem('1'), '/cert': pem('2'), '/key': pem('3'), '/own-ca': pem('4') }
  const { kafka, streams } = connectorConfig(
    valid(
      fromEnvironment(
        {
          ...leastEnvironment,
          KAFKA_SSL_CA: '/ca',
          KAFKA_SSL_CERT: '/cert',
          KAFKA_SSL_KEY: '/key',
          POLARIS_CA: '/own-ca',
        },
        files,
      ),
    ),
  )
  Object.assign(files, { '/ca': pem('5'), '/cert': pem('6'), '/key': pem('7'), '/own-ca': pem('8') })
  expect(kafka.ssl).toEqual({ ca: pem('5'), cert: pem('6'), key: pem('7') })
  expect(streams[0]?.polaris.tls?.ca).toBe(pem('8'))
})

test('a proxy and headers are read again from their files at each use; the last valid text remains in use', () => {
  const files: Record<string, string> = {
    '/proxy': 'http://u:p@proxy:3128\n',
    '/headers': 'X-Key: old\nX-Other: o\n',
    '/header': 'h1',
  }
  const environment = { ...leastEnvironment, POLARIS_PROXY_FILE: '/proxy', POLARIS_HEADERS_FILE: '/headers' }
  const [stream] = connectorConfig(valid(fromEnvironment(environment, files))).streams
  const polaris = `{ url: https://p, codeMagasin: 1, headers: { X-Key: "k \${KEY}" } }`
  const loaded = fromFile(`${leastFile}streams: [{ polaris: ${polaris} }]`, { KEY_FILE: '/header' }, files)
  const [other] = connectorConfig(valid(loaded)).streams
  Object.assign(files, { '/proxy': 'http://u:q@proxy:3128\n', '/headers': 'X-Key: new\n', '/header': 'h2' })
  for (const broken of [{}, { '/proxy': 'nonsense://', '/header': 'é' }]) {
    Object.assign(files, broken)
    expect(stream?.polaris.proxy?.url).toBe('http://u:q@proxy:3128')
    expect({ ...stream?.polaris.headers }).toEqual({ 'X-Key': 'new', 'X-Other': 'o' })
    expect({ ...other?.polaris.headers }).toEqual({ 'X-Key': 'k h2' })
  }
})

test('fingerprints are read again from their file, which may then have more; the last valid ones remain in use', () => {
  const files: Record<string, string> = { '/pins': `${'a1'.repeat(32)}\n`, '/pin': 'b1'.repeat(32) }
  const polaris = `{ url: https://p, codeMagasin: 1, tls: { fingerprints: ["\${PIN}"] } }`
  const tlsOf = (loaded: LoadedConfig) => connectorConfig(valid(loaded)).streams[0]?.polaris.tls
  const all = tlsOf(fromEnvironment({ ...leastEnvironment, POLARIS_TLS_FINGERPRINTS_FILE: '/pins' }, files))
  const one = tlsOf(fromFile(`${leastFile}streams: [{ polaris: ${polaris} }]`, { PIN_FILE: '/pin' }, files))
  Object.assign(files, { '/pins': `${'a1'.repeat(32)}\n${'a2'.repeat(32)}`, '/pin': 'b2'.repeat(32) })
  for (const broken of [{}, { '/pins': 'nothing', '/pin': '' }]) {
    Object.assign(files, broken)
    expect(all?.fingerprints).toEqual([`${'a1'.repeat(32)}\n${'a2'.repeat(32)}`])
    expect(one?.fingerprints).toEqual(['b2'.repeat(32)])
  }
})

test('a secret that the configuration file takes from a variable is read again, in each stream', () => {
  const files: Record<string, string> = { '/one': 'a', '/two': 'b' }
  const polaris = (name: string) =>
    `{ name: s-${name}, sharedKeys: true, polaris: { url: https://p, codeMagasin: 1, auth: basic, user: u, password: "x\${${name}}" } }`
  const loaded = fromFile(
    `${leastFile}streams: [${polaris('one')}, ${polaris('two')}]`,
    { one_FILE: '/one', two_FILE: '/two' },
    files,
  )
  const { streams } = connectorConfig(valid(loaded))
  const passwords = () => streams.map(({ polaris: { auth } }) => auth.kind === 'basic' && auth.account.password)
  expect(passwords()).toEqual(['xa', 'xb'])
  files['/two'] = 'c'
  expect(passwords()).toEqual(['xa', 'xc'])
})

test('a secret whose variable overrides the configuration file is not read from the file of that', () => {
  const polaris = `{ url: https://p, codeMagasin: 1, auth: basic, user: u, password: "\${PW}" }`
  const environment = { PW_FILE: '/pw', POLARIS_PASSWORD: 'direct' }
  const loaded = fromFile(`${leastFile}streams: [{ polaris: ${polaris} }]`, environment, { '/pw': 'file' })
  const [stream] = connectorConfig(valid(loaded)).streams
  expect(stream?.polaris.auth).toMatchObject({ account: { password: 'direct' } })
})

test.each([
  ['missing', {}],
  ['empty', { '/kafka': '\n', '/ca': '' }],
  ['not a certificate', { '/kafka': '\n', '/ca': 'half a line' }],
])('the last text remains in use while a file is %s', (_, broken) => {
  const files: Record<string, string> = { '/kafka': 'old', '/user': 'u', '/polaris': 'p', '/ca': pem('1') }
  const environment = { ...leastEnvironment, ...account, KAFKA_SSL_CA: '/ca' }
  const { kafka } = connectorConfig(valid(fromEnvironment(environment, files)))
  const texts = () => [kafka.sasl && 'password' in kafka.sasl && kafka.sasl.password, kafka.ssl?.ca]
  Object.assign(files, { '/kafka': 'new', '/ca': pem('2') })
  expect(texts()).toEqual(['new', pem('2')])
  for (const name of Object.keys(files)) delete files[name]
  Object.assign(files, broken)
  expect(texts()).toEqual(['new', pem('2')])
})
