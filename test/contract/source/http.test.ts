import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import type { CheckPoint } from '../../../connector/source/client-source.ts'
import type { PolarisConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { firstPage as at, sourceAt, testSource } from '../../support/one-read.ts'
import { type Script, type ScriptedServer, scriptedServer } from '../../support/servers/scripted-http.ts'
import { never } from '../../support/signals.ts'

// A scripted server answers each request; the source is that of the product.

const PAGE = '<p><hasMoreResults>false</hasMoreResults><l><InfoClient><No>1</No></InfoClient></l></p>'
const failure = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

interface Scene extends AsyncDisposable {
  readonly source: ReturnType<typeof sourceAt>
  readonly server: ScriptedServer
}

/** A source and its server, closed together. */
async function scene(script: Script, changed: Partial<PolarisConfig> = {}): Promise<Scene> {
  const server = await scriptedServer(script)
  const source = sourceAt({ url: server.url, ...changed })
  return {
    source,
    server,
    [Symbol.asyncDispose]: async () => {
      await source.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const good: Script = (_, response) => void response.end(PAGE)

describe('a read', () => {
  test('is one GET with the documented arguments that accepts gzip', async () => {
    await using opened = await scene(good, { prefixCle: 'W B' })
    await opened.source.read({ ...at, checkPoint: 'a+b c' as CheckPoint }, never)
    expect(opened.server.calls.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)).toEqual([
      'GET /core/api/Client.GetClientsModified?lastChanged=2024-01-01T00%3A00%3A00&codeMagasin=1&checkPoint=a%2Bb%20c&prefixCle=W%20B&limit=10&output=xml',
    ])
    expect(opened.server.calls[0]?.headers['accept-encoding']).toBe('gzip')
  })

  test('returns the page of a gzip with the server time, its decompressed size and its duration', async () => {
    const date = 'Wed, 31 Jan 2024 13:45:30 GMT'
    const headers = { date, 'content-encoding': 'gzip' }
    await using opened = await scene((_, response) => void response.writeHead(200, headers).end(gzipSync(PAGE)))
    const page = await opened.source.read(at, never)
    expect(page).toMatchObject({
      clients: [{ No: '1' }],
      hasMoreResults: false,
      checkPoint: null,
      serverTime: Date.parse(date),
      bytes: PAGE.length,
    })
    expect(page.tookMs).toBeGreaterThan(0)
  })

  test('accepts a response that ends when the connection closes', async () => {
    await using opened = await scene(
      (_, response) => void response.socket?.end(`HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n${PAGE}`),
    )
    for (let read = 0; read < 2; read++)
      expect(await opened.source.read(at, never)).toMatchObject({ clients: [{ No: '1' }] })
  })

  test('keeps the cookies of the server, for all its paths', async () => {
    await using opened = await scene(
      (_, response) => void response.setHeader('set-cookie', ['a=1; Path=/', 'b=2; Path=/elsewhere']).end(PAGE),
    )
    await opened.source.read(at, never)
    await opened.source.read(at, never)
    expect(opened.server.calls.map(({ headers }) => headers.cookie)).toEqual([undefined, 'a=1; b=2'])
  })

  test('rejects at once with the reason of stop, before the response and during the body', async () => {
    for (const begin of ['', '<p>']) {
      const stop = new AbortController()
      await using opened = await scene((_, response) => {
        if (begin !== '') response.write(begin)
        setImmediate(() => stop.abort(new DOMException('enough', 'AbortError')))
      })
      await expect(opened.source.read(at, stop.signal)).rejects.toThrow('enough')
    }
  })
})

describe('redirects', () => {
  test('are followed within the origin, with all arguments', async () => {
    await using opened = await scene((call, response) => {
      if (call.url.pathname.startsWith('/v2/')) response.end(PAGE)
      else response.writeHead(302, { location: `/v2/Clients${call.url.search}` }).end()
    })
    expect(await opened.source.read(at, never)).toMatchObject({ clients: [{ No: '1' }] })
  })

  test('that drop arguments of the call give no page (invariant 5)', async () => {
    await using opened = await scene((call, response) => {
      if (call.url.pathname === '/v2') response.end(PAGE)
      else response.writeHead(302, { location: '/v2?lastChanged=2024-01-01T00:00:00' }).end()
    })
    await expect(opened.source.read({ ...at, checkPoint: 't' as CheckPoint }, never)).rejects.toEqual(
      failure('source.request-refused'),
    )
  })

  test('to another origin are rejected, and nothing is sent there', async () => {
    await using elsewhere = await scriptedServer(good)
    await using opened = await scene((_, response) => void response.writeHead(302, { location: elsewhere.url }).end(), {
      auth: { kind: 'basic', account: { user: 'u', password: 'p' } },
    })
    await expect(opened.source.read(at, never)).rejects.toEqual(
      failure('source.request-refused', new RegExp(elsewhere.url)),
    )
    expect(elsewhere.calls).toEqual([])
  })

  test('are shown as such in errors, without their path, which may contain the id of a session', async () => {
    await using opened = await scene((call, response) => {
      if (call.url.pathname.startsWith('/(S(')) response.end('{}')
      else response.writeHead(302, { location: `/(S(planted))/core/api/Clients${call.url.search}` }).end()
    })
    const error = await opened.source.read(at, never).catch(String)
    expect(error).toMatch(/Client\.GetClientsModified, redirected\)/)
    expect(error).not.toContain('planted')
  })

  test('are followed up to three times', async () => {
    await using opened = await scene(
      (call, response) => void response.writeHead(302, { location: call.url.pathname + call.url.search }).end(),
    )
    await expect(opened.source.read(at, never)).rejects.toEqual(failure('source.answer-malformed', /redirect/))
    expect(opened.server.calls).toHaveLength(4)
  })
})

describe('a session that has expired', () => {
  const away =
    (location: string): Script =>
    (_, response) =>
      void response.writeHead(302, { location }).end()
  const withBody = (status: number, encoding: string): Script => {
    return (_, response) => void response.writeHead(status, { 'content-encoding': encoding }).end('<p>session</p>')
  }
  test.each<[string, Script]>([
    ['a redirect to another origin', away('https://login.example/')],
    ['a redirect without an address', away('http://')],
    ['a loop of redirects', away('/core/api/Client.GetClientsModified')],
    ['a 401 whose body is no gzip', withBody(401, 'gzip')],
    ['a body that is no gzip', withBody(200, 'gzip')],
    ['a body in an encoding that was not requested', withBody(200, 'br')],
    ['a body that is too large', (_, response) => void response.end('x'.repeat(2_000))],
  ])('is renewed once, when the answer is %s', async (_, expired) => {
    let isValid = false
    let isAccepted = true
    const script: Script = (call, response) => {
      const isLogin = call.url.pathname.endsWith('ACL.Login')
      if (isLogin) isValid = isAccepted
      if (isLogin) response.end('true')
      else (isValid ? good : expired)(call, response)
    }
    await using server = await scriptedServer(script)
    let passed = 0
    const clock = { ...systemClock, monotonic: () => passed }
    const auth = { kind: 'login', account: { user: 'u', password: 'p' }, token: undefined } as const
    await using source = testSource({ url: server.url, auth, maxBodyBytes: 1_000 }, { clock })
    const logins = () => server.calls.filter(({ method }) => method === 'POST').length
    await source.read()
    isValid = false
    passed += 61_000
    expect([await source.read(), logins()]).toEqual(['a page with 1 clients', 2])
    isValid = false
    isAccepted = false
    passed += 61_000
    expect([await source.read(), await source.read(), logins()]).toEqual([
      expect.stringMatching(/^source\./),
      expect.stringMatching(/^source\./),
      3,
    ])
  })
})

describe('an error', () => {
  test.each(['gzip', 'br'])('keeps its status and its Retry-After if its body is no %s', async (encoding) => {
    const headers = { 'content-encoding': encoding, 'retry-after': '7' }
    await using opened = await scene((_, response) => void response.writeHead(503, headers).end('busy'))
    const error = { code: 'source.server-error', retryAfterMs: 7_000, message: expect.stringMatching(/status 503/) }
    await expect(opened.source.read(at, never)).rejects.toMatchObject(error)
  })
})

describe('deadlines', () => {
  test('limit the time of a whole body, even while data arrives', async () => {
    await using opened = await scene(
      async (_, response) => {
        while (!response.destroyed) {
          response.write(' ')
          await delay(10)
        }
      },
      { timeouts: { connectMs: 5000, answerMs: 200 } },
    )
    await expect(opened.source.read(at, never)).rejects.toEqual(
      failure('source.unreachable', /no complete response in time/),
    )
  })
})

describe('the size limit', () => {
  test('aborts a body as soon as it is exceeded', async () => {
    await using opened = await scene(
      async (_, response) => {
        while (!response.destroyed) {
          response.write(Buffer.alloc(10_000, ' '))
          await delay(1)
        }
      },
      { maxBodyBytes: 50_000 },
    )
    await expect(opened.source.read(at, never)).rejects.toEqual(failure('source.answer-too-large', /50000/))
  })
})
