import { expect, test } from 'vitest'
import { type Mistake, typed } from '../support/typed-command.ts'
import { leastEnvironment as least, leastFile } from './config/config-sources.ts'

const environment = (more: Readonly<Record<string, string>>) => ({ environment: { ...least, ...more }, exit: 2 })
const file = (yaml: string, more: Readonly<Record<string, string>> = {}) => ({ yaml, environment: more, exit: 2 })
const stream = 'streams:\n  - polaris: { url: https://p, codeMagasin: 1 }\n'
const fingerprint = Array.from({ length: 32 }, () => '6C').join(':')

const mistakes: readonly Mistake[] = [
  {
    ...{ mistake: 'nothing set', environment: {}, exit: 2 },
    ...{
      says: /^ *connector \(CONNECTOR_ID\): is missing$/m,
      cure: /^ *streams\[0\]\.polaris\.url \(POLARIS_URL\): is missing$/m,
    },
  },
  {
    ...{ mistake: 'a misspelled setting', ...environment({ LOG_LEVL: 'debug' }) },
    ...{ says: /^ *LOG_LEVL: is not a setting/m, cure: /did you mean LOG_LEVEL\?/ },
  },
  {
    ...{ mistake: 'a misspelled required setting', ...environment({ CONECTOR_ID: 'a' }) },
    ...{ says: /^ *CONECTOR_ID: is not a setting/m, cure: /did you mean CONNECTOR_ID\?/ },
  },
  {
    ...{ mistake: 'a misspelled variable of AWS', ...environment({ AWS_REGON: 'eu-west-3' }) },
    ...{ says: /^ *AWS_REGON: is not a setting/m, cure: /did you mean AWS_REGION\?/ },
  },
  {
    ...{ mistake: 'an invented setting', ...environment({ POLARIS_FOO: '1' }) },
    ...{ says: /^ *POLARIS_FOO: is not a setting/m, cure: /remove it; config\/reference\.md lists all/ },
  },
  {
    ...{ mistake: 'a letter of the other language', ...environment({ POLARIS_CODE_MAGAZIN: '1' }) },
    ...{ says: /^ *POLARIS_CODE_MAGAZIN: is not/m, cure: /did you mean POLARIS_CODE_MAGASIN\?/ },
  },
  {
    ...{ mistake: 'an unknown choice', ...environment({ POLARIS_AUTH: 'ntlm' }) },
    ...{ says: /^ *streams\[0\]\.polaris\.auth \(POLARIS_AUTH\): /m, cure: /must be one of none, basic, login$/ },
  },
  {
    ...{ mistake: 'a user without a way to log in', ...environment({ POLARIS_USER: 'u', POLARIS_PASSWORD: 'p' }) },
    ...{ says: /is none, but user or password is set/, cure: /use basic or login/ },
  },
  {
    ...{ mistake: 'no password', ...environment({ POLARIS_AUTH: 'basic', POLARIS_USER: 'u' }) },
    ...{ says: / \(POLARIS_PASSWORD\): .*is missing/m, cure: /required with auth: basic/ },
  },
  {
    ...{ mistake: 'an unreadable secret file', ...environment({ POLARIS_USER_FILE: '/none' }) },
    ...{ says: /^ *POLARIS_USER_FILE: names a file/m, cure: /cannot be read \(ENOENT\)/ },
  },
  {
    ...{ mistake: 'a URL without scheme', ...environment({ POLARIS_URL: 'polaris.example.com:3443' }) },
    ...{ says: / \(POLARIS_URL\): /m, cure: /must be http\(s\):\/\/host\[:port\]\[\/path\]/ },
  },
  {
    ...{ mistake: 'a password in the URL', ...environment({ POLARIS_URL: 'https://u:p@polaris.example.com' }) },
    ...{ says: / \(POLARIS_URL\): /m, cure: /without user, query or fragment/ },
  },
  {
    ...{ mistake: 'a date as one writes it by hand', ...environment({ POLARIS_LAST_CHANGED: '31/01/2026' }) },
    ...{ says: / \(POLARIS_LAST_CHANGED\): /m, cure: /must be a date such as 2024-01-31/ },
  },
  {
    ...{ mistake: 'a part of a fingerprint', ...environment({ POLARIS_TLS_FINGERPRINTS: fingerprint.slice(6) }) },
    ...{ says: / \(POLARIS_TLS_FINGERPRINTS\): /m, cure: /64 hexadecimal digits.*or the line that openssl prints/ },
  },
  {
    ...{
      mistake: 'TLS settings for http',
      ...environment({ POLARIS_URL: 'http://p', POLARIS_TLS_FINGERPRINTS: fingerprint }),
    },
    ...{ says: /has no effect with an http: URL/, cure: /use https:/ },
  },
  {
    ...{ mistake: 'a CA file that does not exist', ...environment({ POLARIS_CA: 'ca.pem' }) },
    ...{ says: / \(POLARIS_CA\): .*\(ENOENT\)/m, cure: /must be PEM text or the path of a readable file/ },
  },
  {
    ...{ mistake: 'a broker without port', ...environment({ KAFKA_BROKERS: 'kafka' }) },
    ...{ says: /^ *kafka\.brokers\[0\] \(KAFKA_BROKERS\): /m, cure: /must be host:port/ },
  },
  {
    ...{ mistake: 'half of the SASL settings', ...environment({ KAFKA_SASL_MECHANISM: 'PLAIN' }) },
    ...{ says: / \(KAFKA_SASL_USERNAME\): .*is missing/m, cure: /required together with mechanism/ },
  },
  {
    ...{ mistake: 'an invalid bucket name', ...environment({ CHECKPOINT_URL: 's3://Bad_Bucket/x' }) },
    ...{ says: / \(CHECKPOINT_URL\): .*must have a valid bucket name/m, cure: /3 to 63 lower-case letters/ },
  },
  {
    ...{ mistake: 'a checkpoint path without file:', ...environment({ CHECKPOINT_URL: '/var/lib/x' }) },
    ...{ says: / \(CHECKPOINT_URL\): /m, cure: /must be s3:\/\/bucket\/prefix or file:directory/ },
  },
  {
    ...{ mistake: 'a checkpoint path with ~', ...environment({ CHECKPOINT_URL: 'file:~/checkpoints' }) },
    ...{ says: / \(CHECKPOINT_URL\): .*must not begin with ~/m, cure: /write the whole path/ },
  },
  {
    ...{ mistake: 'a duration without unit', ...environment({ POLL_INTERVAL: '5' }) },
    ...{ says: / \(POLL_INTERVAL\): /m, cure: /must be a duration such as/ },
  },
  {
    ...{ mistake: 'an impossible port', ...environment({ HTTP_PORT: '99999' }) },
    ...{ says: / \(HTTP_PORT\): /m, cure: /from 0 to 65535/ },
  },
  {
    ...{ mistake: 'a file that does not exist', command: 'lint --config none.yaml', environment: {}, exit: 2 },
    ...{ says: /^ *none\.yaml: /m, cure: /cannot be read \(ENOENT\)/ },
  },
  {
    ...{
      mistake: 'an unknown key in the file',
      ...file(`${leastFile}${stream.replace('codeMagasin', 'codeMagazin')}`),
    },
    ...{
      says: /^ *streams\[0\]\.polaris\.codeMagazin: is unknown/m,
      cure: /did you mean codeMagasin\?/,
    },
  },
  {
    ...{ mistake: 'a tab in the file', ...file('kafka:\n\tbrokers: [k:1]\n') },
    ...{ says: /^ *connector\.yaml:2: is not valid YAML/m, cure: /tab as indent/ },
  },
  {
    ...{ mistake: 'a value with a colon in the file', ...file('connector: a: b\n') },
    ...{ says: /^ *connector\.yaml:1: is not valid YAML/m, cure: /put the value in quotes/ },
  },
  {
    ...{
      mistake: 'a variable for one of several streams',
      ...file(`${leastFile}${stream}  - polaris: {}\n`, { POLARIS_LIMIT: '9' }),
    },
    ...{ says: /^ *POLARIS_LIMIT: applies to a single stream/m, cure: /set polaris\.limit in each stream/ },
  },
  {
    ...{ mistake: 'two streams of one name', ...file(`${leastFile}${stream}${stream.slice('streams:\n'.length)}`) },
    ...{ says: /streams\[1\]\.name: must be unique/, cure: /streams\[0\] has the same name/ },
  },
  {
    ...{ mistake: 'a variable in the file that is not set', ...file(`connector: \${NAME}\n`) },
    ...{ says: /^ *connector \(CONNECTOR_ID\): /m, cure: /refers to the variable NAME, which is not set/ },
  },
  {
    ...{ mistake: 'an unknown command', command: 'chekpoint show', exit: 2 },
    ...{ says: /unknown command chekpoint/, cure: /did you mean checkpoint\?/ },
  },
  {
    ...{ mistake: 'an unknown option', command: 'lint --jsno', exit: 2 },
    ...{ says: /unknown option --jsno/, cure: /did you mean --json\?\nTry: polaris-connector lint --help/ },
  },
  {
    ...{ mistake: 'an option without value', command: 'run --config', exit: 2 },
    ...{ says: /--config requires a value/, cure: /Try: polaris-connector run --help/ },
  },
  {
    ...{ mistake: 'an argument', command: 'run connector.yaml', exit: 2 },
    ...{ says: /run takes only options, no arguments/, cure: /Try: polaris-connector run --help/ },
  },
]

test.each(mistakes)('says what is wrong, what to do, and exits with $exit: $mistake', async (mistake) => {
  const { exit, output } = await typed(mistake)
  expect(output).toMatch(mistake.says)
  expect(output).toMatch(mistake.cure)
  expect(exit).toBe(mistake.exit)
})

test('accepts the fingerprint as openssl prints it', async () => {
  const printed = { ...least, POLARIS_TLS_FINGERPRINTS: `sha256 Fingerprint=${fingerprint}` }
  expect((await typed({ environment: printed })).exit).toBe(0)
})
