import { createHash, createHmac, randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import type { TokenLogin } from '../../../connector/kafka/kafka-config.ts'
import { mskToken, tokensOf } from '../../../connector/kafka/tokens.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'

/** A token endpoint that issues `token 1`, `token 2`, … unless it is down. */
function stage(lifetimeMs: number) {
  const clock = virtualClock(1)
  const endpoint = { requests: 0, isDown: false }
  const request = async () => {
    endpoint.requests += 1
    if (endpoint.isDown) throw new Error('down')
    return { value: `token ${endpoint.requests}`, lifetimeMs }
  }
  const login = { mechanism: 'oauthbearer', tokenEndpoint: randomUUID(), username: 'c', password: 's', parameters: {} }
  const issuer = { name: 'the endpoint', doubt: 'its log has the reason', request }
  return { clock, endpoint, login, tokens: tokensOf(login as TokenLogin, clock, issuer) }
}

const hour = 60 * 60_000

test('all connections share a token until 15 seconds before its end, or half of a short lifetime', async () => {
  for (const [lifetimeMs, usableMs] of [
    [hour, hour - 15_000],
    [20_000, 10_000],
  ] as const) {
    const { clock, tokens } = stage(lifetimeMs)
    expect(await Promise.all([tokens.currentToken(), tokens.currentToken()])).toEqual(['token 1', 'token 1'])
    clock.jump(usableMs - 1)
    expect(await tokens.currentToken()).toBe('token 1')
    clock.jump(1)
    expect(await Promise.all([tokens.currentToken(), tokens.currentToken()])).toEqual(['token 2', 'token 2'])
  }
})

test('rejects while the endpoint is down, and requests again', async () => {
  const { endpoint, tokens } = stage(hour)
  endpoint.isDown = true
  await expect(tokens.currentToken()).rejects.toThrow('down')
  endpoint.isDown = false
  expect(await tokens.currentToken()).toBe('token 2')
})

test('requests another token when a broker has rejected the present one, and when a setting has changed', async () => {
  const { login, tokens } = stage(hour)
  await tokens.currentToken()
  expect(tokens.rejectionError()).toMatchObject({ code: 'publish.unauthorized' })
  expect(await tokens.currentToken()).toBe('token 2')
  login.password = 'another'
  expect(await tokens.currentToken()).toBe('token 3')
})

const secretAccessKey = 'secret/of+the process'
const identity = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey, sessionToken: 'session/token+=' }
const now = Date.parse('2026-06-15T10:00:00Z')

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** As a broker of Amazon MSK checks a token, by the definition of Signature Version 4. Resolves to what it shows. */
function validated(token: string, secret: string) {
  const url = new URL(Buffer.from(token, 'base64url').toString())
  const signed = [...url.searchParams].filter(([name]) => name !== 'X-Amz-Signature' && name !== 'User-Agent')
  const encoded = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = signed
    .map((parameter) => parameter.map(encoded).join('='))
    .sort()
    .join('&')
  const of = (name: string) => url.searchParams.get(name) ?? ''
  const [accessKeyId, ...scope] = of('X-Amz-Credential').split('/')
  const request = ['GET', url.pathname, query, `host:${url.host}`, '', of('X-Amz-SignedHeaders'), sha256('')].join('\n')
  const text = [of('X-Amz-Algorithm'), of('X-Amz-Date'), scope.join('/'), sha256(request)].join('\n')
  const key = scope.reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${secret}`)
  return {
    isValid: hmac(key, text).toString('hex') === of('X-Amz-Signature'),
    host: url.host,
    accessKeyId,
    scope,
    sessionToken: of('X-Amz-Security-Token'),
    action: of('Action'),
    expires: of('X-Amz-Expires'),
    agent: of('User-Agent'),
  }
}

const sign = (credentials = async () => identity) => mskToken({ region: 'eu-west-3', credentials, now })

test('a token is a request to connect that the AWS credentials sign for fifteen minutes, without the secret key', async () => {
  const { value, lifetimeMs } = await sign()
  expect(validated(value, secretAccessKey)).toEqual({
    isValid: true,
    host: 'kafka.eu-west-3.amazonaws.com',
    accessKeyId: identity.accessKeyId,
    scope: ['20260615', 'eu-west-3', 'kafka-cluster', 'aws4_request'],
    sessionToken: identity.sessionToken,
    action: 'kafka-cluster:Connect',
    expires: '900',
    agent: 'polaris-connector',
  })
  expect(lifetimeMs).toBe(900_000)
  expect(validated(value, 'another secret').isValid).toBe(false)
  expect(decodeURIComponent(Buffer.from(value, 'base64url').toString())).not.toContain(secretAccessKey)
})

test('without credentials, the error names what is missing, and nothing of the chain', async () => {
  const failure = sign(async () => {
    throw Object.assign(new Error('/home/user/.aws has no profile'), { name: 'CredentialsProviderError' })
  })
  const error = await failure.catch((reason: unknown) => reason)
  expect(codeOf(error)).toBe('publish.failed')
  expect(String(error)).toMatch(/no AWS credentials found \(CredentialsProviderError\): set AWS_ACCESS_KEY_ID and/)
})

test('a login takes a token of the credentials in the environment', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', identity.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
  const token = await tokensOf({ mechanism: 'aws-msk-iam', region: 'eu-west-3' }, virtualClock(now)).currentToken()
  expect(validated(token, secretAccessKey)).toMatchObject({ isValid: true, accessKeyId: identity.accessKeyId })
})
