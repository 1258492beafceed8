import { describe, expect, test } from 'vitest'
import { hashedSettings } from '../../../connector/config/describe-config.ts'
import { configurationDifference } from '../../../connector/placement/hashed-settings.ts'
import { fromEnvironment, leastEnvironment, valid } from './config-sources.ts'

const hashesOf = (more: Record<string, string>) =>
  hashedSettings(valid(fromEnvironment({ ...leastEnvironment, ...more })))
const difference = (one: Record<string, string>, other: Record<string, string>) =>
  configurationDifference(hashesOf(one), hashesOf(other))
const settings = (...paths: string[]) => ({ kind: 'different', missing: [], additional: [], settings: paths })

describe('the configuration that must be equal on all replicas', () => {
  test.each([
    ['CHECKPOINT_URL', 's3://bucket/a', 's3://bucket/b', 'checkpoint.url'],
    ['KAFKA_TOPIC', 'a', 'b', 'clients: kafka.topic'],
    ['POLARIS_CODE_MAGASIN', '1', '2', 'clients: polaris.codeMagasin'],
    ['POLARIS_URL', 'https://a.example/', 'https://b.example/', 'clients: polaris.url'],
    ['POLL_INTERVAL', '5s', '6s', 'clients: poll.interval'],
  ])('contains %s', (variable, one, other, path) => {
    expect(difference({ [variable]: one }, { [variable]: other })).toEqual(settings(path))
  })

  test('contains the names of the streams', () => {
    expect(difference({ STREAM_NAME: 'paris' }, { STREAM_NAME: 'lyon' })).toEqual({
      ...{ kind: 'different', missing: ['paris'], additional: ['lyon'], settings: [] },
    })
  })

  test.each([
    ['LOG_LEVEL', 'info', 'debug'],
    ['HTTP_PORT', '8080', '8081'],
    ['KAFKA_BROKERS', 'a:9092', 'b:9092'],
    ['POLARIS_PROXY', 'none', 'http://proxy.example:3128'],
    ['AWS_REGION', 'eu-west-1', 'eu-west-3'],
  ])('does not contain %s, which depends on the machine or the network', (variable, one, other) => {
    expect(difference({ [variable]: one }, { [variable]: other })).toBeUndefined()
  })

  test('contains of a secret only whether it is set', () => {
    const basic = (password: string) => ({ POLARIS_AUTH: 'basic', POLARIS_USER: 'user', POLARIS_PASSWORD: password })
    expect(difference(basic('one'), basic('other'))).toBeUndefined()
    expect(hashesOf(basic('one'))).toEqual(hashesOf({ ...basic('other'), POLARIS_USER: 'other' }))
    expect(difference(basic('one'), {})).toEqual(
      settings('clients: polaris.auth', 'clients: polaris.user', 'clients: polaris.password'),
    )
  })

  test('contains of the key of HMACs the id that events publish', () => {
    const hashed = (key: string) => ({
      ...{ EVENT_FIELDS: 'Mail: hmac', EVENT_HMAC_KEY: key.repeat(32), POLARIS_CLIENT_ID_FIELD: 'No' },
    })
    expect(difference(hashed('a'), hashed('a'))).toBeUndefined()
    expect(difference(hashed('a'), hashed('b'))).toEqual(settings('clients: event.hmacKey'))
  })
})
