import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../connector/runtime/clock.ts'
import { turns } from '../../connector/runtime/turns.ts'
import type { CheckPoint, ClientSource, ReadArguments, SourceTime } from '../../connector/source/client-source.ts'
import { httpClientSource } from '../../connector/source/http-client-source.ts'
import { type PolarisConfig, polarisDefaults } from '../../connector/source/polaris-config.ts'
import type { SourceEvent } from '../../connector/source/source-event.ts'
import { type Script, type ScriptedServer, scriptedServer } from '../support/servers/scripted-http.ts'

const PAGE = '<p><hasMoreResults>false</hasMoreResults><l><InfoClient><No>1</No></InfoClient></l></p>'
const at: ReadArguments = {
  lastChanged: '2024-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: 10,
  output: 'xml',
}
const never = new AbortController().signal
const failure = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

interface Scene extends AsyncDisposable {
  readonly source: ClientSource
  readonly server: ScriptedServer
  readonly events: readonly SourceEvent[]
}

/** A source and the server it reads from; closed together. */
async function scene(script: Script, changed: Partial<PolarisConfig> = {}): Promise<Scene> {
  const server = await scriptedServer(script)
  const events: SourceEvent[] = []
  const retry = { retries: 2, firstPauseMs: 1, maxPauseMs: 2, maxRetryAfterMs: 5 }
  const config: PolarisConfig = {
    ...polarisDefaults,
    url: server.url,
    auth: { kind: 'none' },
    codeMagasin: 1,
    retry,
    ...changed,
  }
  const source = httpClientSource(config, {
    clock: systemClock,
    turns: turns(8),
    observe: (event) => events.push(event),
  })
  return {
    ...{ source, server, events },
    [Symbol.asyncDispose]: async () => {
      await source.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const good: Script = (_, response) => void response.end(PAGE)

describe('a read', () => {
  it('is one GET with the documented arguments, gzip accepted', async () => {
    await using one = await scene(good, { prefixCle: 'W B' })
    await one.source.read({ ...at, checkPoint: 'a+b c' as CheckPoint }, never)
    expect(one.server.calls.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)).toEqual([
      'GET /core/api/Client.GetClientsModified?lastChanged=2024-01-01T00%3A00%3A00&codeMagasin=1&checkPoint=a%2Bb%20c&prefixCle=W%20B&limit=10&output=xml',
    ])
    expect(one.server.calls[0]?.headers['accept-encoding']).toBe('gzip')
  })

  it('is a POST form by option', async () => {
    await using one = await scene(good, { method: 'POST', lastChangedFormat: 'dd/MM/yyyy HH:mm:ss' })
    await one.source.read(at, never)
    expect(one.server.calls[0]).toMatchObject({
      method: 'POST',
      body: 'lastChanged=01%2F01%2F2024%2000%3A00%3A00&codeMagasin=1&limit=10&output=xml',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(one.server.calls[0]?.url.search).toBe('')
  })

  it('gives the page with the server time, its size and how long it took', async () => {
    const date = 'Wed, 31 Jan 2024 13:45:30 GMT'
    await using one = await scene((_, response) => void response.setHeader('date', date).end(PAGE))
    const page = await one.source.read(at, never)
    expect(page).toMatchObject({
      clients: [{ No: '1' }],
      hasMoreResults: false,
      checkPoint: null,
      serverTime: Date.parse(date),
      bytes: PAGE.length,
    })
    expect(page.tookMs).toBeGreaterThan(0)
  })

  it('has no server time without a Date header', async () => {
    await using one = await scene((_, response) => {
      response.sendDate = false
      response.end(PAGE)
    })
    expect((await one.source.read(at, never)).serverTime).toBeUndefined()
  })

  it('unpacks gzip, and counts the size unpacked', async () => {
    await using one = await scene(
      (_, response) => void response.setHeader('content-encoding', 'gzip').end(gzipSync(PAGE)),
    )
    expect(await one.source.read(at, never)).toMatchObject({ clients: [{ No: '1' }], bytes: PAGE.length })
  })

  it('takes an answer that ends with its connection', async () => {
    await using one = await scene(
      (_, response) => void response.socket?.end(`HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n${PAGE}`),
    )
    for (let read = 0; read < 2; read++)
      expect(await one.source.read(at, never)).toMatchObject({ clients: [{ No: '1' }] })
  })

  it('reuses its connection', async () => {
    await using one = await scene(good)
    for (let read = 0; read < 5; read++) await one.source.read(at, never)
    expect([one.server.calls.length, one.server.connections()]).toEqual([5, 1])
  })

  it('keeps the cookies of the server', async () => {
    await using one = await scene(
      (_, response) => void response.setHeader('set-cookie', ['a=1; Path=/', 'b=2; Path=/elsewhere']).end(PAGE),
    )
    await one.source.read(at, never)
    await one.source.read(at, never)
    expect(one.server.calls.map(({ headers }) => headers.cookie)).toEqual([undefined, 'a=1'])
  })

  it('stops at once with the reason of the signal, while nothing comes and while a body comes', async () => {
    for (const begin of ['', '<p>']) {
      const stop = new AbortController()
      await using one = await scene((_, response) => {
        if (begin !== '') response.write(begin)
        setImmediate(() => stop.abort(new DOMException('enough', 'AbortError')))
      })
      await expect(one.source.read(at, stop.signal)).rejects.toThrow('enough')
    }
  })

  it('does not begin when the signal has aborted', async () => {
    await using one = await scene(good)
    await expect(one.source.read(at, AbortSignal.abort(new DOMException('enough', 'AbortError')))).rejects.toThrow(
      'enough',
    )
    expect(one.server.calls).toEqual([])
  })

  it('reports a path that comes as a list and as a single value once', async () => {
    const cartes = ['<C>1</C>', '<C>1</C><C>2</C>', '<C>3</C>']
    await using one = await scene((_, response) => {
      const inner = cartes.shift() ?? ''
      response.end(
        `<p><hasMoreResults>0</hasMoreResults><l><InfoClient><No>1</No><Cartes>${inner}</Cartes></InfoClient></l></p>`,
      )
    })
    for (let read = 0; read < 3; read++) await one.source.read(at, never)
    expect(one.events).toEqual([{ kind: 'list-ambiguous', path: 'Cartes' }])
  })
})

describe('retrying', () => {
  it('gets over trouble that passes, and tells of each retry', async () => {
    const statuses = [503, 429]
    await using one = await scene((_, response) => {
      const status = statuses.shift() ?? 200
      response.writeHead(status, status === 200 ? {} : { 'retry-after': '3600' }).end(PAGE)
    })
    expect(await one.source.read(at, never)).toMatchObject({ clients: [{ No: '1' }] })
    expect(one.events).toEqual([
      { kind: 'read-retried', code: 'source.server-error', attempt: 1 },
      { kind: 'read-retried', code: 'source.throttled', attempt: 2 },
    ])
  })

  it('gives up when the tries are spent', async () => {
    await using one = await scene((_, response) => void response.writeHead(500).end())
    await expect(one.source.read(at, never)).rejects.toEqual(
      failure('source.server-error', /status 500, no content type, 0 bytes/),
    )
    expect(one.server.calls).toHaveLength(3)
  })

  it('does not repeat what the server refuses', async () => {
    await using one = await scene((_, response) => void response.writeHead(404).end())
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.function-missing', /WebConnect/))
    expect(one.server.calls).toHaveLength(1)
  })

  it('says that nobody listens', async () => {
    const gone = await scriptedServer(good)
    await gone[Symbol.asyncDispose]()
    await using one = await scene(good, { url: gone.url })
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.unreachable', /ECONNREFUSED/))
  })
})

describe('redirects', () => {
  it('are followed within the origin, with all arguments', async () => {
    await using one = await scene((call, response) => {
      if (call.url.pathname.startsWith('/v2/')) response.end(PAGE)
      else response.writeHead(302, { location: `/v2/Clients${call.url.search}` }).end()
    })
    expect(await one.source.read(at, never)).toMatchObject({ clients: [{ No: '1' }] })
  })

  it('keep the form of a POST under 307 and 308', async () => {
    await using one = await scene(
      (call, response) => {
        if (call.url.pathname === '/v2') response.end(PAGE)
        else response.writeHead(308, { location: '/v2' }).end()
      },
      { method: 'POST' },
    )
    expect(await one.source.read(at, never)).toMatchObject({ clients: [{ No: '1' }] })
    expect(one.server.calls[1]?.body).toBe(one.server.calls[0]?.body)
  })

  it.each([
    ['GET', '/v2?lastChanged=2024-01-01T00:00:00'],
    ['POST', '/v2'],
  ] as const)('to a place without the arguments of the %s give no page (invariant 5)', async (method, location) => {
    await using one = await scene(
      (call, response) => {
        if (call.url.pathname === '/v2') response.end(PAGE)
        else response.writeHead(302, { location }).end()
      },
      { method },
    )
    await expect(one.source.read({ ...at, checkPoint: 't' as CheckPoint }, never)).rejects.toEqual(
      failure('source.redirected'),
    )
  })

  it('to another origin stop, and nothing is sent there', async () => {
    await using elsewhere = await scriptedServer(good)
    await using one = await scene((_, response) => void response.writeHead(302, { location: elsewhere.url }).end(), {
      auth: { kind: 'basic', user: 'u', password: 'p' },
    })
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.redirected', new RegExp(elsewhere.url)))
    expect(elsewhere.calls).toEqual([])
  })

  it('are followed three times at most', async () => {
    await using one = await scene(
      (call, response) => void response.writeHead(302, { location: call.url.pathname + call.url.search }).end(),
    )
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.answer-not-a-page', /redirect/))
    expect(one.server.calls).toHaveLength(3 * 4)
  })
})

describe('deadlines', () => {
  const quick = { connectMs: 5000, headersMs: 100, bodyMs: 100 }
  const once = { ...polarisDefaults.retry, retries: 0 }

  it('end the wait for headers', async () => {
    await using one = await scene(() => undefined, { timeouts: quick, retry: once })
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.timeout'))
  })

  it('end a body that drips for ever, however often something comes', async () => {
    await using one = await scene(
      async (_, response) => {
        while (!response.destroyed) {
          response.write(' ')
          await delay(10)
        }
      },
      { timeouts: quick, retry: once },
    )
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.timeout', /after \d+ bytes/))
  })

  it('leave a slow answer alone that is in time', async () => {
    await using one = await scene(
      async (_, response) => {
        await delay(60)
        response.flushHeaders()
        await delay(60)
        response.end(PAGE)
      },
      { timeouts: quick, retry: once },
    )
    expect(await one.source.read(at, never)).toMatchObject({ clients: [{ No: '1' }] })
  })
})

describe('the byte cap', () => {
  it('ends a body as soon as it is exceeded', async () => {
    await using one = await scene(
      async (_, response) => {
        while (!response.destroyed) {
          response.write(Buffer.alloc(10_000, ' '))
          await delay(1)
        }
      },
      { maxBodyBytes: 50_000 },
    )
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.answer-too-large', /50000/))
  })

  it('lets a body of just that size pass', async () => {
    await using one = await scene(good, { maxBodyBytes: PAGE.length })
    expect(await one.source.read(at, never)).toMatchObject({ bytes: PAGE.length })
  })
})

describe('the session', () => {
  it('is one login, one re-login when it is over, then stop: never a loop on bad credentials', async () => {
    let isOpen = false
    await using one = await scene(
      (call, response) => {
        const isLogin = call.url.pathname.endsWith('/ACL.Login')
        if (isLogin && one.server.calls.length < 5) isOpen = true
        if (isLogin)
          response.setHeader('set-cookie', `sid=${one.server.calls.length}; Path=/`).end('<boolean>true</boolean>')
        else if (isOpen && call.headers.cookie !== undefined) response.end(PAGE)
        else response.end('<html><form><input type="password"></form></html>')
      },
      { auth: { kind: 'login', user: 'u', password: 'p', login: { method: 'POST' } } },
    )
    const made = () => one.server.calls.map(({ url, headers }) => `${url.pathname.slice(10)} ${headers.cookie}`)
    await one.source.read(at, never)
    isOpen = false
    await one.source.read(at, never)
    isOpen = false
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.unauthorized'))
    await expect(one.source.read(at, never)).rejects.toEqual(failure('source.unauthorized'))
    expect(made()).toEqual([
      'ACL.Login undefined',
      'Client.GetClientsModified sid=1',
      'Client.GetClientsModified sid=1',
      'ACL.Login sid=1',
      'Client.GetClientsModified sid=4',
      'Client.GetClientsModified sid=4',
      'ACL.Login sid=4',
      'Client.GetClientsModified sid=7',
    ])
  })
})
