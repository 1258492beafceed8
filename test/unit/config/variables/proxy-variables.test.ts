import { describe, expect, test } from 'vitest'
import { isDirect } from '../../../../connector/config/variables/proxy-variables.ts'
import { fromEnvironment, fromFile, leastEnvironment, leastFile, problems, valid } from '../config-sources.ts'

const proxyOf = (environment: Record<string, string>, files: Record<string, string> = {}) =>
  valid(fromEnvironment({ ...leastEnvironment, ...environment }, files)).streams[0]?.polaris.proxy?.reveal()

describe('the proxy of a stream', () => {
  const [secure, plain] = ['http://secure:1', 'http://plain:2']

  test.each([
    ['HTTPS_PROXY for https', { HTTPS_PROXY: secure, HTTP_PROXY: plain }, secure],
    ['https_proxy before HTTPS_PROXY', { HTTPS_PROXY: plain, https_proxy: secure }, secure],
    ['never HTTP_PROXY for https', { HTTP_PROXY: plain, http_proxy: plain }, undefined],
    ['HTTP_PROXY for http', { HTTPS_PROXY: secure, HTTP_PROXY: plain, POLARIS_URL: 'http://polaris' }, plain],
    ['http_proxy for http', { http_proxy: plain, POLARIS_URL: 'http://polaris' }, plain],
    ['POLARIS_PROXY before the others', { HTTPS_PROXY: secure, POLARIS_PROXY: plain }, plain],
    ['POLARIS_PROXY whatever NO_PROXY says', { NO_PROXY: '*', POLARIS_PROXY: plain }, plain],
    ['none with POLARIS_PROXY=none', { HTTPS_PROXY: secure, POLARIS_PROXY: 'none' }, 'none'],
    ['none for a host in NO_PROXY', { HTTPS_PROXY: secure, NO_PROXY: 'a, .example.com' }, undefined],
    ['no_proxy before NO_PROXY', { HTTPS_PROXY: secure, NO_PROXY: '*', no_proxy: 'a' }, secure],
    ['none for this machine', { HTTPS_PROXY: secure, POLARIS_URL: 'https://localhost:3443' }, undefined],
    ['an address without a scheme', { HTTPS_PROXY: 'secure:1' }, 'secure:1'],
  ])('is %s', (_, environment, expected) => {
    expect(proxyOf(environment as unknown as Record<string, string>)).toBe(expected)
  })

  test('can come from a file, with its credentials, and is read again', () => {
    const files = { '/proxy': 'http://u:p@proxy\n' }
    const settings = valid(fromEnvironment({ ...leastEnvironment, HTTPS_PROXY_FILE: '/proxy' }, files))
    const proxy = settings.streams[0]?.polaris.proxy
    expect(proxy?.reveal()).toBe('http://u:p@proxy')
    files['/proxy'] = 'http://u:q@proxy'
    expect(proxy?.reveal()).toBe('http://u:q@proxy')
    expect(`${proxy}`).toBe('http://***@proxy')
  })

  test('applies to each stream by its own URL', () => {
    const stream = (name: string, url: string, more = '') =>
      `{ name: ${name}, sharedKeys: true, polaris: { url: "${url}", codeMagasin: 1${more} } }`
    const streams = [
      ...[stream('a', 'https://polaris'), stream('b', 'http://polaris')],
      stream('c', 'https://polaris', ', proxy: http://own'),
    ]
    const loaded = fromFile(`${leastFile}streams: [${streams}]`, { HTTPS_PROXY: secure, HTTP_PROXY: plain })
    const proxies = valid(loaded).streams.map(({ polaris: { proxy } }) => proxy?.reveal())
    expect(proxies).toEqual([secure, plain, 'http://own'])
  })

  test('is reported by the name of its variable if it is invalid', () => {
    expect(problems(fromEnvironment({ ...leastEnvironment, HTTPS_PROXY: 'socks5://u:hunter2@proxy' }))).toEqual([
      {
        ...{ variable: 'HTTPS_PROXY', path: 'streams[0].polaris.proxy' },
        what: expect.stringContaining('must be http(s)://[user:password@]host[:port] or none'),
      },
    ])
  })
})

describe('NO_PROXY', () => {
  test.each([
    ['polaris.example.com', true],
    ['POLARIS.example.COM', true],
    ['polaris.example.com.', true],
    ['example.com', true],
    ['.example.com', true],
    ['*.example.com', true],
    ['*.polaris.example.com', false],
    ['ample.com', false],
    ['*', true],
    ['a,b polaris.example.com', true],
    ['polaris.example.com:3443', true],
    ['polaris.example.com:443', false],
    ['10.0.0.0/8', false],
    ['', false],
  ])('%s, for https://polaris.example.com:3443: %s', (exceptions, expected) => {
    expect(isDirect(new URL('https://polaris.example.com:3443'), exceptions)).toBe(expected)
  })

  test.each([
    ['http://10.1.2.3', '10.0.0.0/8', true],
    ['http://10.1.2.3', '10.1.2.3', true],
    ['http://10.1.2.3', '10.1.2.3:80', true],
    ['http://10.1.2.3', '10.1.2.3:81', false],
    ['http://10.1.2.3', '2.3', false],
    ['http://10.1.2.3', '10.0.0.0/99', false],
    ['http://11.1.2.3', '10.0.0.0/8,::/0', false],
    ['https://[2001:db8::1]', '2001:db8::1', true],
    ['https://[2001:db8::1]', '[2001:db8:0::1]', true],
    ['https://[2001:db8::1]:3443', '[2001:db8::1]:3443', true],
    ['https://[2001:db8::1]:3443', '[2001:db8::1]:443', false],
    ['https://[2001:db8::1]', '2001:db8::/32', true],
    ['https://[2001:db9::1]', '2001:db8::/32', false],
    ['https://localhost:3443', '', true],
    ['https://127.0.0.1:3443', '', true],
    ['https://[::1]:3443', '', true],
  ])('for %s, %s: %s', (url, exceptions, expected) => {
    expect(isDirect(new URL(url), exceptions)).toBe(expected)
  })
})
