import { describe, expect, test } from 'vitest'
import { settingNames } from '../../../connector/config/setting-names.ts'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'

const namesWith = (file: string | undefined, environment: Record<string, string> = {}) =>
  settingNames({
    ...(file === undefined ? { file: undefined } : { file: 'connector.yaml' }),
    environment,
    readFile: () => file ?? '',
    now: 0,
  })

const several = `
connector: shops
checkpoint: { url: "s3://bucket/polaris/" }
kafka: { sasl: { password: "\${KAFKA_PW}" } }
streams:
  - { name: paris, polaris: { password: "\${PARIS_PASSWORD}", tls: { ca: /etc/paris.pem } } }
  - { name: lyon, polaris: { password: literal } }
`

describe('a text names a setting', () => {
  test('by its variable, where only variables are used, or by the file of the variable', () => {
    const names = namesWith(undefined, { POLARIS_URL: 'https://x', POLARIS_PASSWORD_FILE: '/run/secrets/password' })
    expect(names('check POLARIS_URL and POLARIS_USER')).toBe('check POLARIS_URL and POLARIS_USER')
    expect(names('check POLARIS_PASSWORD.')).toBe('check POLARIS_PASSWORD_FILE (/run/secrets/password).')
  })

  test('by its key, where a file is used, with the file or variable that its value refers to', () => {
    const names = namesWith(several, { PARIS_PASSWORD_FILE: '/run/secrets/paris', KAFKA_PW: 'x' })
    const hint = 'set POLARIS_CA, or check POLARIS_PASSWORD'
    expect(names(hint, 'paris')).toBe(
      'set polaris.tls.ca (file /etc/paris.pem), or check polaris.password (file /run/secrets/paris)',
    )
    expect(names(hint, 'lyon')).toBe('set polaris.tls.ca, or check polaris.password')
    expect(names(hint)).toBe('set polaris.tls.ca, or check polaris.password')
    expect(names('check KAFKA_SASL_PASSWORD')).toBe('check kafka.sasl.password (variable KAFKA_PW)')
    expect(names('with PLACEMENT=single')).toBe('with placement.mode: single')
  })

  test('by its variable, where that overrides a file with one stream', () => {
    const names = namesWith('streams: [{ polaris: { url: "https://x" } }]', { POLARIS_URL: 'https://y' })
    expect(names('check POLARIS_URL, set POLARIS_LIMIT')).toBe('check POLARIS_URL, set polaris.limit')
  })

  test('unchanged, where it is no variable of the connector, or stands for a value', () => {
    const text = 'set AWS_ACCESS_KEY_ID, run kafka-topics.sh --bootstrap-server $KAFKA_BROKERS, MY_POLARIS_URL'
    expect(namesWith(several)(text)).toBe(text)
  })

  test('in every hint by something that can be set: with several streams, no variable of a stream is named', () => {
    const names = namesWith(several)
    for (const { hint, runHint } of Object.values(errorCatalogue))
      for (const text of [hint, runHint]) expect(names(text, 'paris')).not.toMatch(/(?:POLARIS|POLL|KAFKA)_[A-Z]/)
  })
})

describe('a text names a stored object', () => {
  const hint = 'restore the document (CONNECTOR/STREAM.json in CHECKPOINT_URL)'

  test('by its place in the bucket', () => {
    const names = namesWith(several)
    expect(names(hint, 'paris')).toBe('restore the document (s3://bucket/polaris/shops/paris.json)')
    expect(names('delete CONNECTOR/_control.json in CHECKPOINT_URL')).toBe(
      'delete s3://bucket/polaris/shops/_control.json',
    )
    expect(names('below CONNECTOR/STREAM.index in CHECKPOINT_URL', 'lyon')).toBe(
      'below s3://bucket/polaris/shops/lyon.index',
    )
  })

  test('by its files in a directory', () => {
    const names = namesWith(undefined, { CONNECTOR_ID: 'shops', CHECKPOINT_URL: 'file:/data' })
    expect(names(hint, 'clients')).toBe(
      'restore the document (file:/data/shops/clients.<number>.json, the highest number is the newest)',
    )
  })
})
