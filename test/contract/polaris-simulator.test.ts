import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { makeCertificates } from '../support/servers/certificates.ts'
import {
  type Fault,
  faults,
  type PolarisSimulator,
  plantedMarks,
  type SimulatorOptions,
  startPolarisSimulator,
} from '../support/servers/polaris-simulator.ts'

const running: PolarisSimulator[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close()))
})

async function simulate(options: SimulatorOptions = {}): Promise<PolarisSimulator> {
  const simulator = await startPolarisSimulator({ clients: 7, ...options })
  running.push(simulator)
  return simulator
}

const ALL = { lastChanged: '2000-01-01T00:00:00', codeMagasin: '1' }

function call(simulator: PolarisSimulator, parameters: Record<string, string>, init: RequestInit = {}) {
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return fetch(`${simulator.url}Client.GetClientsModified?${query.join('&')}`, init)
}

interface Read {
  readonly checkpoint: string
  readonly hasMoreResults: boolean
  readonly clients: readonly { readonly No: number; readonly NoVersion: number; readonly DateModification: string }[]
}

async function read(simulator: PolarisSimulator, parameters: Record<string, string> = {}): Promise<Read> {
  return (await (await call(simulator, { ...ALL, output: 'json', limit: '3', ...parameters })).json()) as Read
}

const idsOf = (page: Read) => page.clients.map((client) => client.No)

describe('Client.GetClientsModified', () => {
  it('gives every client once, oldest change first, then by id, and says which page is the last', async () => {
    const simulator = await simulate()
    const first = await read(simulator)
    const second = await read(simulator, { checkPoint: first.checkpoint })
    const third = await read(simulator, { checkPoint: second.checkpoint })
    expect([first, second, third].map((page) => page.hasMoreResults)).toEqual([true, true, false])
    expect([first, second, third].flatMap(idsOf)).toEqual([100001, 100002, 100003, 100004, 100005, 100006, 100007])
  })

  it('moves a client that changes during a drain to the end, with its content of then', async () => {
    const simulator = await simulate()
    const first = await read(simulator)
    simulator.change('100001')
    simulator.change('100006')
    const second = await read(simulator, { checkPoint: first.checkpoint })
    const third = await read(simulator, { checkPoint: second.checkpoint })
    expect([second, third].map(idsOf)).toEqual([
      [100004, 100005, 100007],
      [100001, 100006],
    ])
    expect(third.clients.map((client) => client.NoVersion)).toEqual([2, 2])
  })

  it('gives the last page a token too, and it works for later changes', async () => {
    const simulator = await simulate()
    const all = await read(simulator, { limit: '100' })
    const none = await read(simulator, { limit: '100', checkPoint: all.checkpoint })
    expect(none).toMatchObject({ hasMoreResults: false, clients: [] })
    simulator.change('100004')
    expect(idsOf(await read(simulator, { limit: '100', checkPoint: none.checkpoint }))).toEqual([100004])
  })

  it('reads lastChanged as its own wall clock, inclusive', async () => {
    const simulator = await simulate({ clients: 0 })
    simulator.setClock(() => Date.parse('2026-07-01T10:00:00.000Z'))
    simulator.add()
    expect(idsOf(await read(simulator, { lastChanged: '2026-07-01T12:00:00' }))).toEqual([100001])
    expect(idsOf(await read(simulator, { lastChanged: '2026-07-01T12:00:00.001' }))).toEqual([])
    expect(idsOf(await read(simulator, { lastChanged: '2026-07-01T10:00:00Z' }))).toEqual([100001])
    expect(idsOf(await read(simulator, { lastChanged: '01/07/2026 12:00' }))).toEqual([100001])
  })

  it('sorts the repeated hour of autumn by the wall clock: the later change comes first', async () => {
    const simulator = await simulate({ clients: 0 })
    simulator.setClock(() => Date.parse('2026-10-25T00:50:00.000Z'))
    simulator.add()
    simulator.setClock(() => Date.parse('2026-10-25T01:10:00.000Z'))
    simulator.add()
    const page = await read(simulator, { lastChanged: '2026-10-25T02:00:00' })
    expect(page.clients.map((client) => [client.No, client.DateModification])).toEqual([
      [100002, '2026-10-25T02:10:00'],
      [100001, '2026-10-25T02:50:00'],
    ])
  })

  it.each([
    ['without lastChanged', { lastChanged: undefined }],
    ['with lastchanged', { lastChanged: undefined, lastchanged: ALL.lastChanged }],
    ['without codeMagasin', { codeMagasin: undefined }],
    ['with a date that is none', { lastChanged: '2026-02-30T00:00:00' }],
    ['with an output that is none', { output: 'XML' }],
    ['with an unknown token', { checkPoint: 'CP/1+abc' }],
  ])('refuses a call %s by 400', async (_, change) => {
    const given = Object.entries({ ...ALL, ...change }).filter((one): one is [string, string] => one[1] !== undefined)
    expect((await call(await simulate(), Object.fromEntries(given))).status).toBe(400)
  })

  it.each([{ limit: '4' }, { lastChanged: '2000-01-01T00:00:01' }, { codeMagasin: '2' }, { prefixCle: 'P' }])(
    'refuses a token that comes with other arguments (%o) by 400',
    async (change) => {
      const simulator = await simulate()
      const { checkpoint } = await read(simulator)
      const given = { ...ALL, limit: '3', output: 'json', checkPoint: checkpoint }
      expect((await call(simulator, given)).status).toBe(200)
      expect((await call(simulator, { ...given, ...change })).status).toBe(400)
    },
  )

  it('takes a POST form, and refuses PUT, DELETE and HEAD by 405', async () => {
    const simulator = await simulate()
    const url = `${simulator.url}Client.GetClientsModified`
    const body = new URLSearchParams({ ...ALL, output: 'json' })
    const page = (await (await fetch(url, { method: 'POST', body })).json()) as Read
    expect(page.clients).toHaveLength(7)
    for (const method of ['PUT', 'DELETE', 'HEAD']) expect((await fetch(url, { method })).status).toBe(405)
  })

  it.each([
    [{ xmlStyle: 'xml-serializer' }, /^<\?xml.*\n<FragmentedInfoClient [\s\S]*<hasMoreResults>false<\/hasMoreResults>/],
    [{ xmlStyle: 'data-contract' }, /<Client\.FragmentedInfoClient xmlns="[\s\S]*<RaisonSociale i:nil="true" \/>/],
    [{ xmlStyle: 'attributes' }, /<reponse hasMoreResults="0" checkpoint="[\s\S]*<client No="100001" /],
    [{ jsonStyle: 'd', jsonDates: 'microsoft' }, /^\{"d":\{[\s\S]*"\\\/Date\(\d+\+0[12]00\)\\\/"/],
    [{ jsonStyle: 'type-name' }, /^\{"FragmentedInfoClient":\{/],
  ] as const)('writes the form %o', async (options, expected) => {
    const output = 'jsonStyle' in options ? 'json' : 'xml'
    const text = await (await call(await simulate(options), { ...ALL, output })).text()
    expect(text).toMatch(expected)
    for (const mark of plantedMarks) expect(text.includes(mark)).toBe(true)
  })

  it('serves its documentation of the function and of the client', async () => {
    const { url } = await simulate()
    expect(await (await fetch(`${url}Client.GetClientsModified?doc`)).text()).toContain('Int32 codeMagasin')
    const type = 'RepDaemon.WebService2.CoreAPI.Client%2bInfoClient'
    expect(await (await fetch(`${url}Client.GetClientsModified?doc&docType=${type}`)).text()).toContain('CodePostal')
  })
})

describe('the log of truth', () => {
  it('holds every change, and A → B → A brings the first content back', async () => {
    const simulator = await simulate({ clients: 1, hasModificationTime: false })
    const first = simulator.fieldsOf('100001')
    simulator.change('100001')
    const second = simulator.fieldsOf('100001')
    simulator.change('100001', { like: 1 })
    expect(simulator.fieldsOf('100001')).toEqual(first)
    expect(second).not.toEqual(first)
    simulator.change()
    expect(simulator.changes.map(({ sequence, version }) => [sequence, version])).toEqual([
      [1, 1],
      [2, 2],
      [3, 1],
      [4, 3],
    ])
  })

  it('gives the same clients for the same seed', async () => {
    const [one, other] = [await simulate({ seed: 5 }), await simulate({ seed: 5 })]
    const bodyOf = async (simulator: PolarisSimulator) => (await call(simulator, { ...ALL, output: 'json' })).text()
    const clientsIn = (text: string) => text.replaceAll(/"(checkpoint|DateModification)":"[^"]*"/g, '')
    expect(clientsIn(await bodyOf(one))).toBe(clientsIn(await bodyOf(other)))
  })
})

describe('sessions', () => {
  const LOGIN = { user: 'u', password: 'p&é+' }
  const login = ({ url }: PolarisSimulator, body: Record<string, string> = LOGIN) =>
    fetch(`${url}ACL.Login`, { method: 'POST', body: new URLSearchParams(body) })

  it('wants the cookie of ACL.Login, for so many calls', async () => {
    const simulator = await simulate({ access: { mode: 'cookie', ...LOGIN, expiresAfterCalls: 2 } })
    expect((await login(simulator, { user: 'u', password: 'wrong' })).status).toBe(401)
    const cookie = (await login(simulator)).headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const statuses = []
    for (const headers of [{}, { cookie }, { cookie }, { cookie }]) {
      statuses.push((await call(simulator, ALL, { headers })).status)
    }
    expect(statuses).toEqual([401, 200, 200, 401])
  })

  it('takes the token of the answer as parameter or header', async () => {
    const simulator = await simulate({ access: { mode: 'token', ...LOGIN, refusal: 403 } })
    const session = /<token>(.*)<\/token>/.exec(await (await login(simulator)).text())?.[1] ?? ''
    expect((await call(simulator, ALL)).status).toBe(403)
    expect((await call(simulator, { ...ALL, session })).status).toBe(200)
    expect((await call(simulator, ALL, { headers: { session } })).status).toBe(200)
  })

  it('takes Basic, shows the login page under 200, and knows a user without rights', async () => {
    const simulator = await simulate({ access: { mode: 'basic', ...LOGIN, refusal: 'login-page' } })
    const headers = { authorization: `Basic ${Buffer.from('u:p&é+').toString('base64')}` }
    expect(await (await call(simulator, ALL)).text()).toContain('<form')
    expect((await call(simulator, ALL, { headers })).status).toBe(200)
    simulator.setAccess({ lacksRights: true })
    expect((await call(simulator, ALL, { headers })).status).toBe(403)
  })
})

describe('tokens that expire', () => {
  it('are refused deeper in a drain than so many pages', async () => {
    const simulator = await simulate({ tokens: { expireAfterPages: 1 } })
    const first = await read(simulator, { limit: '1' })
    const second = await read(simulator, { limit: '1', checkPoint: first.checkpoint })
    const given = { ...ALL, output: 'json', limit: '1', checkPoint: second.checkpoint }
    expect((await call(simulator, given)).status).toBe(400)
    simulator.setTokens({ expireAfterPages: 9, refusal: 'error-document' })
    expect((await call(simulator, given)).status).toBe(200)
    simulator.expireTokens()
    expect(await (await call(simulator, given)).text()).toContain('Message')
  })
})

describe('the Date header', () => {
  it("tells the simulator's time, skewed or not, or is absent", async () => {
    const simulator = await simulate()
    const date = async () => (await call(simulator, ALL)).headers.get('date')
    simulator.setClock(() => Date.parse('2026-03-01T10:00:00Z'))
    expect(await date()).toBe('Sun, 01 Mar 2026 10:00:00 GMT')
    simulator.setDateHeader({ skewMs: 60_000 })
    expect(await date()).toBe('Sun, 01 Mar 2026 10:01:00 GMT')
    simulator.setDateHeader('absent')
    expect(await date()).toBeNull()
  })
})

describe('faults', () => {
  const bodyAfter = async (fault: Fault) => {
    const simulator = await simulate()
    simulator.faults.next(1, fault)
    return (await call(simulator, { ...ALL, limit: '3' })).text()
  }

  it('hit so many calls, or those that a rule concerns', async () => {
    const simulator = await simulate()
    simulator.faults.next(1, faults.status(503, { retryAfter: 7 }))
    const answer = await call(simulator, ALL)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7'])
    const end = simulator.faults.when(({ parameters }) => parameters.get('limit') === '5', faults.status(500))
    expect((await call(simulator, { ...ALL, limit: '5' })).status).toBe(500)
    expect((await call(simulator, ALL)).status).toBe(200)
    end()
    expect((await call(simulator, { ...ALL, limit: '5' })).status).toBe(200)
  })

  it.each(['before', 'middle', 'after'] as const)('reset the connection %s the answer', async (when) => {
    await expect(bodyAfter(faults.reset(when))).rejects.toThrow()
  })

  it('cut the body off: visibly by its length, or not', async () => {
    await expect(bodyAfter(faults.truncate(0.5, 'wrong'))).rejects.toThrow()
    expect(await bodyAfter(faults.truncate(0.5, 'right'))).not.toContain('</FragmentedInfoClient>')
    expect(await bodyAfter(faults.truncate(0.5, 'none'))).not.toContain('</FragmentedInfoClient>')
  })

  it.each(['headers', 'body'] as const)('hang before the end of the %s', async (at) => {
    const simulator = await simulate()
    simulator.faults.next(1, faults.hang(at))
    const url = `${simulator.url}Client.GetClientsModified?lastChanged=2000-01-01T00:00:00&codeMagasin=1`
    const seen = await new Promise<string>((resolve) => {
      const asked = request(url, (response) => response.once('data', () => resolve('body')).on('error', () => {}))
      asked.on('error', () => {}).setTimeout(300, () => resolve('nothing'))
      asked.end()
    })
    expect(seen).toBe(at === 'headers' ? 'nothing' : 'body')
  })

  it('leave out the flag or the token, or promise more on an empty page that loses nothing', async () => {
    expect(await bodyAfter(faults.missingFlag())).not.toContain('hasMoreResults')
    expect(await bodyAfter(faults.missingToken())).not.toContain('checkpoint')
    expect(await bodyAfter(faults.missingToken(''))).toContain('<checkpoint />')
    expect(await bodyAfter(faults.missingToken(null))).toContain('<checkpoint xsi:nil="true" />')
    const simulator = await simulate()
    simulator.faults.next(1, faults.emptyPage())
    const empty = await read(simulator)
    expect(empty).toMatchObject({ hasMoreResults: true, clients: [] })
    expect(idsOf(await read(simulator, { checkPoint: empty.checkpoint }))).toEqual([100001, 100002, 100003])
  })

  it('repeat tokens that are good: A, B, A, B', async () => {
    const simulator = await simulate()
    for (const token of ['A', 'B', 'A']) simulator.faults.next(1, faults.token(token))
    const first = await read(simulator, { limit: '1' })
    const second = await read(simulator, { limit: '1', checkPoint: first.checkpoint })
    const third = await read(simulator, { limit: '1', checkPoint: second.checkpoint })
    expect([first, second, third].map((page) => page.checkpoint)).toEqual(['A', 'B', 'A'])
    expect([first, second, third].flatMap(idsOf)).toEqual([100001, 100002, 100003])
  })

  it('write in another encoding or format, and too much', async () => {
    const bytesAfter = async (fault: Fault) => {
      const simulator = await simulate()
      simulator.faults.next(1, fault)
      return Buffer.from(await (await call(simulator, ALL)).arrayBuffer())
    }
    expect((await bytesAfter(faults.encoding('utf-16be'))).subarray(0, 4)).toEqual(Buffer.from([0xfe, 0xff, 0, 0x3c]))
    expect((await bytesAfter(faults.encoding('utf-8-bom'))).subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]))
    expect((await bytesAfter(faults.encoding('iso-8859-1'))).includes(Buffer.from([0xe8]))).toBe(true)
    expect((await bytesAfter(faults.wrongFormat('json'))).toString()).toMatch(/^\{/)
    expect((await bytesAfter(faults.oversized(1e6))).length).toBeGreaterThan(1e6)
  })
})

describe('transport', () => {
  it('compresses where that is accepted, faults included', async () => {
    const simulator = await simulate({ gzip: 'when accepted' })
    simulator.faults.next(1, faults.oversized(1e6))
    const [big, normal] = [await call(simulator, ALL), await call(simulator, ALL)]
    expect([big, normal].map((answer) => answer.headers.get('content-encoding'))).toEqual(['gzip', 'gzip'])
    expect(Number(big.headers.get('content-length'))).toBeLessThan(10_000)
    expect((await big.text()).length).toBeGreaterThan(1e6)
    expect(await normal.text()).toContain('</FragmentedInfoClient>')
  })

  it('serves HTTPS with the certificate it is given', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'polaris-'))
    const files = makeCertificates(directory)
    const tls = { key: readFileSync(files.serverKey), cert: readFileSync(files.serverCertificate) }
    const ca = readFileSync(files.authority)
    const simulator = await simulate({ tls })
    expect(simulator.url).toMatch(/^https:/)
    const status = await new Promise((resolve, reject) => {
      get(`${simulator.url}Client.GetClientsModified`, { ca }, (answer) => resolve(answer.statusCode)).on(
        'error',
        reject,
      )
    })
    rmSync(directory, { recursive: true })
    expect(status).toBe(400)
  })
})

describe('bench mode', () => {
  it('gives any number of distinct clients in the order of their ids', async () => {
    const simulator = await simulate({ mode: 'bench', clients: 2500 })
    let page = await read(simulator, { limit: '1200' })
    const ids = [...idsOf(page)]
    while (page.hasMoreResults) {
      page = await read(simulator, { limit: '1200', checkPoint: page.checkpoint })
      ids.push(...idsOf(page))
    }
    expect(ids).toEqual(Array.from({ length: 2500 }, (_, index) => 100_000_001 + index))
  })
})
