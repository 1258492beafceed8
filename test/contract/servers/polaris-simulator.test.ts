import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
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

  it.each([
    ['listed', [100001, 100002, 100003, 100004, 100005, 100006, 100007]],
    ['newest-first', [100007, 100006, 100005, 100004, 100003, 100002, 100001]],
    ['random', [100005, 100002, 100007, 100004, 100001, 100006, 100003]],
  ] as const)(
    'returns clients %s, in an order that is fixed at the first page, with present values',
    async (order, ids) => {
      const simulator = await simulate({ scans: { order } })
      const first = await read(simulator)
      for (const id of [100001, 100002, 100003, 100004, 100005, 100006, 100007]) simulator.change(`${id}`)
      const second = await read(simulator, { checkPoint: first.checkpoint })
      const third = await read(simulator, { checkPoint: second.checkpoint })
      expect([first, second, third].flatMap(idsOf)).toEqual(ids)
      expect(third.hasMoreResults).toBe(false)
      expect([first, second, third].map(({ clients }) => clients[0]?.NoVersion)).toEqual([1, 2, 2])
    },
  )

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

  it('reads lastChanged as inclusive wall-clock time of the server', async () => {
    const simulator = await simulate({ clients: 0 })
    simulator.setClock(() => Date.parse('2026-07-01T10:00:00.000Z'))
    simulator.add()
    expect(idsOf(await read(simulator, { lastChanged: '2026-07-01T12:00:00' }))).toEqual([100001])
    expect(idsOf(await read(simulator, { lastChanged: '2026-07-01T12:00:00.001' }))).toEqual([])
    expect(idsOf(await read(simulator, { lastChanged: '2026-07-01T10:00:00Z' }))).toEqual([100001])
    expect(idsOf(await read(simulator, { lastChanged: '01/07/2026 12:00' }))).toEqual([100001])
  })

  it('sorts by wall-clock time in the repeated hour, so that a later change can come first', async () => {
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

  it.each([
    [{ modificationField: 'iso-day' }, '2026-07-31'],
    [{ modificationField: 'french-day' }, '31/07/2026'],
    [{ hasModificationTime: false }, undefined],
  ] as const)(
    'reads clients by the time of day when their modification field has none (%o)',
    async (options, expected) => {
      const simulator = await simulate({ clients: 0, timeZone: 'UTC', ...options })
      simulator.add(1, Date.parse('2026-07-31T10:00:00Z'))
      simulator.add(1, Date.parse('2026-07-31T15:00:00Z'))
      const { clients } = await read(simulator, { lastChanged: '2026-07-31T12:00:00' })
      expect(clients.map((client) => [client.No, client.DateModification])).toEqual([[100002, expected]])
    },
  )

  it('serves the documentation of the function and of the client', async () => {
    const { url } = await simulate()
    expect(await (await fetch(`${url}Client.GetClientsModified?doc`)).text()).toContain('Int32 codeMagasin')
    const type = 'RepDaemon.WebService2.CoreAPI.Client%2bInfoClient'
    expect(await (await fetch(`${url}Client.GetClientsModified?doc&docType=${type}`)).text()).toContain('CodePostal')
  })
})

describe('frozen views', () => {
  const versionsOf = (page: Read) => page.clients.map((client) => [client.No, client.NoVersion])

  it('show the clients of the first page of each scan when scans are interleaved', async () => {
    const simulator = await simulate({ scans: { view: 'frozen' } })
    const first = await read(simulator, { limit: '4' })
    simulator.change('100006')
    simulator.add()
    const later = await read(simulator, { limit: '5' })
    simulator.change('100006')
    expect(versionsOf(await read(simulator, { limit: '4', checkPoint: first.checkpoint }))).toEqual([
      [100005, 1],
      [100006, 1],
      [100007, 1],
    ])
    expect(versionsOf(await read(simulator, { limit: '5', checkPoint: later.checkpoint }))).toEqual([
      [100007, 1],
      [100006, 2],
      [100008, 1],
    ])
    expect(versionsOf(await read(simulator, { limit: '9' })).slice(-1)).toEqual([[100006, 3]])
  })

  it('show every client once, with its first content, when all clients change before each page', async () => {
    const simulator = await simulate({ scans: { view: 'frozen' } })
    let page = await read(simulator, { limit: '1' })
    const seen = versionsOf(page)
    while (page.hasMoreResults) {
      for (const id of simulator.clientIds) simulator.change(id)
      page = await read(simulator, { limit: '1', checkPoint: page.checkpoint })
      seen.push(...versionsOf(page))
    }
    expect(seen).toEqual(simulator.clientIds.map((id) => [Number(id), 1]))
  })

  it('refuse the token of the scan that was not used for longest when too many are open', async () => {
    const simulator = await simulate({ scans: { view: 'frozen', openScans: 2 } })
    const [first, second] = [await read(simulator), await read(simulator)]
    await read(simulator, { checkPoint: first.checkpoint })
    const third = await read(simulator)
    const statuses = []
    for (const { checkpoint } of [first, second, third]) {
      const given = { ...ALL, output: 'json', limit: '3', checkPoint: checkpoint }
      statuses.push((await call(simulator, given)).status)
    }
    expect(statuses).toEqual([200, 400, 200])
  })
})

describe('paging', () => {
  const scan = async (simulator: PolarisSimulator, limit: string, count: number) => {
    const pages = [await read(simulator, { limit })]
    while (pages.length < count) {
      const checkPoint = pages.at(-1)?.checkpoint ?? ''
      pages.push(await read(simulator, { limit, checkPoint }))
    }
    return pages
  }
  const tokensOf = (pages: readonly Read[]) => new Set(pages.map((page) => page.checkpoint)).size

  it('by second returns the same token again when more clients than limit changed in one second', async () => {
    const simulator = await simulate({ scans: { paging: 'second' } })
    simulator.massUpdate(5)
    const pages = await scan(simulator, '3', 5)
    expect(pages.map(idsOf)).toEqual([
      [100006, 100007, 100001],
      [100001, 100002, 100003],
      [100001, 100002, 100003],
      [100001, 100002, 100003],
      [100001, 100002, 100003],
    ])
    expect(pages.every((page) => page.hasMoreResults)).toBe(true)
    expect(tokensOf(pages)).toBe(1)
  })

  it('by second reaches the end when limit is larger than the number of clients in one second', async () => {
    const simulator = await simulate({ scans: { paging: 'second' } })
    simulator.massUpdate(5)
    const pages = await scan(simulator, '6', 2)
    expect(pages.map(idsOf)).toEqual([
      [100006, 100007, 100001, 100002, 100003, 100004],
      [100001, 100002, 100003, 100004, 100005],
    ])
    expect(pages.map((page) => page.hasMoreResults)).toEqual([true, false])
  })

  it('in a circle returns the same clients again under ever new tokens', async () => {
    const pages = await scan(await simulate({ scans: { paging: 'circle' } }), '5', 6)
    const [first, second] = pages.map(idsOf)
    expect(pages.map(idsOf)).toEqual([first, second, first, second, first, second])
    expect(pages.every((page) => page.hasMoreResults)).toBe(true)
    expect(tokensOf(pages)).toBe(6)
  })

  it('can return pages without clients under ever new tokens', async () => {
    const simulator = await simulate({ scans: { paging: 'empty' } })
    const pages = await scan(simulator, '5', 6)
    expect(pages.every((page) => page.clients.length === 0 && page.hasMoreResults)).toBe(true)
    expect(tokensOf(pages)).toBe(6)
    simulator.setScans({ paging: 'client' })
    expect(idsOf(await read(simulator, { limit: '5', checkPoint: pages[5]?.checkpoint ?? '' }))).toHaveLength(5)
  })
})

describe('a server with one scan at a time', () => {
  it('refuses a token when another scan has begun since', async () => {
    const simulator = await simulate({ scans: { outdated: 'refuse' } })
    const first = await read(simulator)
    const second = await read(simulator, { checkPoint: first.checkpoint })
    const other = await read(simulator, { lastChanged: '2001-01-01T00:00:00' })
    const statusOf = async (given: Record<string, string>) =>
      (await call(simulator, { ...ALL, output: 'json', limit: '3', ...given })).status
    expect(await statusOf({ checkPoint: second.checkpoint })).toBe(400)
    expect(await statusOf({ checkPoint: other.checkpoint, lastChanged: '2001-01-01T00:00:00' })).toBe(200)
  })

  it.each(['live', 'frozen'] as const)(
    'continues the other scan when a token is older than that scan (%s views)',
    async (view) => {
      const simulator = await simulate({ scans: { outdated: 'other-clients', view } })
      const first = await read(simulator, { limit: '2' })
      const same = await read(simulator, { limit: '2', checkPoint: first.checkpoint })
      const other = await read(simulator, { limit: '5' })
      const changed = await read(simulator, { limit: '2', checkPoint: first.checkpoint })
      expect([first, same, other, changed].map(idsOf)).toEqual([
        [100001, 100002],
        [100003, 100004],
        [100001, 100002, 100003, 100004, 100005],
        [100006, 100007],
      ])
    },
  )
})

describe('late changes', () => {
  it('are returned for their modification time only once their delay is over', async () => {
    let now = Date.parse('2026-03-01T10:00:00Z')
    const simulator = await simulate({ timeZone: 'UTC', now: () => now, late: { every: 2, delayMs: 3_600_000 } })
    const changed = ['100001', '100002', '100003'].map((id) => simulator.change(id).clientId)
    const since = { lastChanged: '2026-03-01T10:00:00' }
    expect(idsOf(await read(simulator, since))).toEqual([100001, 100003])
    now += 3_600_000
    expect(idsOf(await read(simulator, since))).toEqual(changed.map(Number))
    expect(idsOf(await read(simulator, { lastChanged: '2026-03-01T10:00:01' }))).toEqual([])
    simulator.setLate({ every: Number.POSITIVE_INFINITY })
    simulator.change('100005')
    simulator.change('100006')
    expect(idsOf(await read(simulator, { lastChanged: '2026-03-01T11:00:00' }))).toEqual([100005, 100006])
  })
})

describe('the log of changes', () => {
  it('contains every change; A → B → A restores the first content', async () => {
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

  it('contains a change and its way back, each visible at its instant', async () => {
    let now = Date.parse('2026-03-01T10:00:00.000Z')
    const simulator = await simulate({ clients: 1, now: () => now })
    simulator.changeAndBack('100001', [now + 100, now + 200])
    const seen = []
    for (const step of [0, 100, 100]) {
      now += step
      seen.push((await read(simulator)).clients[0]?.NoVersion)
    }
    expect(seen).toEqual([1, 2, 1])
    expect(simulator.changes.map(({ version }) => version)).toEqual([1, 2, 1])
  })

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

describe('expiring tokens', () => {
  it('are refused after the configured number of pages of a scan', async () => {
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
  it("contains the simulator's time, skewed or not, or is absent", async () => {
    const simulator = await simulate()
    const date = async () => (await call(simulator, ALL)).headers.get('date')
    simulator.setClock(() => Date.parse('2026-03-01T10:00:00Z'))
    expect(await date()).toBe('Sun, 01 Mar 2026 10:00:00 GMT')
    simulator.setDateHeader({ skewMs: 60_000 })
    expect(await date()).toBe('Sun, 01 Mar 2026 10:01:00 GMT')
    simulator.setDateHeader('absent')
    expect(await date()).toBeNull()
  })

  it('and modification times can be wrong alone, together, and go back', async () => {
    let now = Date.parse('2026-03-01T10:00:00Z')
    const simulator = await simulate({ timeZone: 'UTC', now: () => now, dateHeader: { skewMs: 3_600_000, times: 1 } })
    const seen = async () => {
      const date = new Date((await call(simulator, ALL)).headers.get('date') ?? '').toISOString()
      now += 1000
      return [date.slice(11, 19), simulator.change().modified.slice(11, 19)]
    }
    expect(await seen()).toEqual(['11:00:00', '10:00:01'])
    expect(await seen()).toEqual(['10:00:01', '10:00:02'])
    simulator.setStamps({ skewMs: 7_200_000, until: now + 2000 })
    expect(await seen()).toEqual(['10:00:02', '12:00:03'])
    simulator.setDateHeader({ zone: 'Asia/Kolkata' })
    expect(await seen()).toEqual(['15:30:03', '10:00:04'])
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

  it.each(['before', 'middle', 'after'] as const)('reset the connection %s the answer', async (when) => {
    await expect(bodyAfter(faults.reset(when))).rejects.toThrow()
  })

  it('truncate the body, with a wrong, a correct or no content length', async () => {
    await expect(bodyAfter(faults.truncate(0.5, 'wrong'))).rejects.toThrow()
    expect(await bodyAfter(faults.truncate(0.5, 'right'))).not.toContain('</FragmentedInfoClient>')
    expect(await bodyAfter(faults.truncate(0.5, 'none'))).not.toContain('</FragmentedInfoClient>')
  })

  it.each(['headers', 'body'] as const)('stop sending before the end of the %s', async (at) => {
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

  it('use another encoding or format, and return large bodies', async () => {
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
