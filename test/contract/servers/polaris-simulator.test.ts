import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type Fault,
  faults,
  type PolarisSimulator,
  plantedMarks,
  type SimulatorOptions,
  startPolarisSimulator,
} from '../../polaris/polaris-simulator.ts'
import { makeCertificates } from '../../support/servers/certificates.ts'

const running: PolarisSimulator[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()))
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
  it('returns every client once, by modification time and then by id, and marks the last page', async () => {
    const simulator = await simulate()
    const first = await read(simulator)
    const second = await read(simulator, { checkPoint: first.checkpoint })
    const third = await read(simulator, { checkPoint: second.checkpoint })
    expect([first, second, third].map((page) => page.hasMoreResults)).toEqual([true, true, false])
    expect([first, second, third].flatMap(idsOf)).toEqual([100001, 100002, 100003, 100004, 100005, 100006, 100007])
  })

  it('moves a client that changes during a scan to the end, with its new content', async () => {
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

  it('returns a token with the last page that is valid for later changes', async () => {
    const simulator = await simulate()
    const all = await read(simulator, { limit: '100' })
    const none = await read(simulator, { limit: '100', checkPoint: all.checkpoint })
    expect(none).toMatchObject({ hasMoreResults: false, clients: [] })
    simulator.change('100004')
    expect(idsOf(await read(simulator, { limit: '100', checkPoint: none.checkpoint }))).toEqual([100004])
  })

  it.each([
    ['without lastChanged', { lastChanged: undefined }],
    ['with lastchanged in lower case', { lastChanged: undefined, lastchanged: ALL.lastChanged }],
    ['without codeMagasin', { codeMagasin: undefined }],
    ['with an invalid date', { lastChanged: '2026-02-30T00:00:00' }],
    ['with an invalid output', { output: 'XML' }],
    ['with an unknown token', { checkPoint: 'CP/1+abc' }],
  ])('answers 400 to a call %s', async (_, change) => {
    const given = Object.entries({ ...ALL, ...change }).filter((one): one is [string, string] => one[1] !== undefined)
    expect((await call(await simulate(), Object.fromEntries(given))).status).toBe(400)
  })

  it.each([{ limit: '4' }, { lastChanged: '2000-01-01T00:00:01' }, { codeMagasin: '2' }, { prefixCle: 'P' }])(
    'answers 400 to a token with other arguments (%o)',
    async (change) => {
      const simulator = await simulate()
      const { checkpoint } = await read(simulator)
      const given = { ...ALL, limit: '3', output: 'json', checkPoint: checkpoint }
      expect((await call(simulator, given)).status).toBe(200)
      expect((await call(simulator, { ...given, ...change })).status).toBe(400)
    },
  )

  it('accepts a POST form, and answers 405 to PUT, DELETE and HEAD', async () => {
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
  ] as const)('renders with %o', async (options, expected) => {
    const output = 'jsonStyle' in options ? 'json' : 'xml'
    const text = await (await call(await simulate(options), { ...ALL, output })).text()
    expect(text).toMatch(expected)
    for (const mark of plantedMarks) expect(text.includes(mark)).toBe(true)
  })
})

describe('the log of changes', () => {
  it('contains every change of a mass update, all with the same modification time', async () => {
    const simulator = await simulate()
    const first = await read(simulator, { limit: '7' })
    const made = simulator.massUpdate(5)
    const { clients } = await read(simulator, { limit: '7', checkPoint: first.checkpoint })
    expect(clients.map((client) => client.No)).toEqual([100001, 100002, 100003, 100004, 100005])
    expect(new Set(clients.map((client) => client.DateModification)).size).toBe(1)
    expect(simulator.changes.slice(-5)).toEqual(made)
  })

  it('has equal clients for equal seeds', async () => {
    const [first, second] = [await simulate({ seed: 5 }), await simulate({ seed: 5 })]
    const bodyOf = async (simulator: PolarisSimulator) => (await call(simulator, { ...ALL, output: 'json' })).text()
    const clientsIn = (text: string) => text.replaceAll(/"(checkpoint|DateModification)":"[^"]*"/g, '')
    expect(clientsIn(await bodyOf(first))).toBe(clientsIn(await bodyOf(second)))
  })
})

describe('sessions', () => {
  const LOGIN = { user: 'u', password: 'p&é+' }
  const login = ({ url }: PolarisSimulator, body: Record<string, string> = LOGIN) =>
    fetch(`${url}ACL.Login`, { method: 'POST', body: new URLSearchParams(body) })

  it('require the cookie of ACL.Login and expire after the configured number of calls', async () => {
    const simulator = await simulate({ access: { mode: 'cookie', ...LOGIN, expiresAfterCalls: 2 } })
    expect((await login(simulator, { user: 'u', password: 'wrong' })).status).toBe(401)
    const cookie = (await login(simulator)).headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const statuses = []
    for (const headers of [{}, { cookie }, { cookie }, { cookie }]) {
      statuses.push((await call(simulator, ALL, { headers })).status)
    }
    expect(statuses).toEqual([401, 200, 200, 401])
  })

  it('accept the token of the login response as a parameter or a header', async () => {
    const simulator = await simulate({ access: { mode: 'token', ...LOGIN, refusal: 403 } })
    const session = /<token>(.*)<\/token>/.exec(await (await login(simulator)).text())?.[1] ?? ''
    expect((await call(simulator, ALL)).status).toBe(403)
    expect((await call(simulator, { ...ALL, session })).status).toBe(200)
    expect((await call(simulator, ALL, { headers: { session } })).status).toBe(200)
  })

  it('accept Basic, return the login page with 200, and answer 403 to a user without rights', async () => {
    const simulator = await simulate({ access: { mode: 'basic', ...LOGIN, refusal: 'login-page' } })
    const headers = { authorization: `Basic ${Buffer.from('u:p&é+').toString('base64')}` }
    expect(await (await call(simulator, ALL)).text()).toContain('<form')
    expect((await call(simulator, ALL, { headers })).status).toBe(200)
    simulator.setAccess({ lacksRights: true })
    expect((await call(simulator, ALL, { headers })).status).toBe(403)
  })
})

describe('faults', () => {
  const bodyAfter = async (fault: Fault) => {
    const simulator = await simulate()
    simulator.faults.next(1, fault)
    return (await call(simulator, { ...ALL, limit: '3' })).text()
  }

  it('apply to the next calls, or to the calls that a rule matches', async () => {
    const simulator = await simulate()
    simulator.faults.next(1, faults.status(503, { retryAfter: 7 }))
    const answer = await call(simulator, ALL)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7'])
    const removeRule = simulator.faults.when(({ parameters }) => parameters.get('limit') === '5', faults.status(500))
    expect((await call(simulator, { ...ALL, limit: '5' })).status).toBe(500)
    expect((await call(simulator, ALL)).status).toBe(200)
    removeRule()
    expect((await call(simulator, { ...ALL, limit: '5' })).status).toBe(200)
  })

  it('omit hasMoreResults or checkPoint, or return an empty page that loses no clients', async () => {
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

  it('repeat valid tokens: A, B, A, B', async () => {
    const simulator = await simulate()
    for (const token of ['A', 'B', 'A']) simulator.faults.next(1, faults.token(token))
    const first = await read(simulator, { limit: '1' })
    const second = await read(simulator, { limit: '1', checkPoint: first.checkpoint })
    const third = await read(simulator, { limit: '1', checkPoint: second.checkpoint })
    expect([first, second, third].map((page) => page.checkpoint)).toEqual(['A', 'B', 'A'])
    expect([first, second, third].flatMap(idsOf)).toEqual([100001, 100002, 100003])
  })
})

describe('transport', () => {
  it('compresses responses, including faults, when the caller accepts gzip', async () => {
    const simulator = await simulate({ gzip: 'when accepted' })
    simulator.faults.next(1, faults.oversized(1e6))
    const [big, normal] = [await call(simulator, ALL), await call(simulator, ALL)]
    expect([big, normal].map((answer) => answer.headers.get('content-encoding'))).toEqual(['gzip', 'gzip'])
    expect(Number(big.headers.get('content-length'))).toBeLessThan(10_000)
    expect((await big.text()).length).toBeGreaterThan(1e6)
    expect(await normal.text()).toContain('</FragmentedInfoClient>')
  })

  it('serves HTTPS with the given certificate', async () => {
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
  it('returns any number of distinct clients in the order of their ids', async () => {
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
