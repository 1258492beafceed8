import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { accountGates } from '../../../connector/source/polaris/session/account-gate.ts'
import { EMPTY_PAGE, testSource } from '../../support/one-read.ts'
import { type ScriptedServer, scriptedServer } from '../../support/servers/scripted-http.ts'

// Streams with one account read from a real server that accepts every login. The logins that it received are counted.

const minute = 60_000
const page = 'a page with 0 clients'
const unauthorized = /^source\.unauthorized: /
const forbidden = /^source\.forbidden: .*«consultation des membres clients» or «saisie des membres clients»/

interface Process {
  readonly server: ScriptedServer
  /** The monotonic clock. */
  now: number
  readonly account: { user: string; password: string }
  logins(): number
  /** Opens a stream of a shop; all streams share what is known of the account. */
  open(codeMagasin: number): { readonly read: () => Promise<string>; readonly allowOneTry: () => void }
}

const disposals: (() => PromiseLike<void>)[] = []
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose()
})

/** A process, and a server that answers a login with `body` and a call for a shop as `answer` decides. */
async function processAt(body: string, answer: (shop: number) => readonly [status: number, body?: string]) {
  const server = await scriptedServer(({ url }, response) => {
    if (url.pathname.endsWith('ACL.Login')) return void response.end(body)
    const [status, text] = answer(Number(url.searchParams.get('codeMagasin')))
    response.writeHead(status).end(text)
  })
  disposals.push(() => server[Symbol.asyncDispose]())
  const clock = { ...systemClock, monotonic: () => process.now }
  const newGate = accountGates(clock)
  const process: Process = {
    server,
    now: 0,
    account: { user: 'u', password: 'p' },
    logins: () => server.calls.filter(({ url }) => url.pathname.endsWith('ACL.Login')).length,
    open: (codeMagasin) => {
      const accounts = newGate()
      const auth = { kind: 'login', account: process.account } as const
      const source = testSource({ url: server.url, codeMagasin, auth }, { clock, accounts })
      disposals.push(() => source[Symbol.asyncDispose]())
      return { read: source.read, allowOneTry: accounts.allowOneTry }
    },
  }
  return process
}

/** Ten streams, of the shops 1 to 10. */
const tenStreams = ({ open }: Process) => Array.from({ length: 10 }, (_, index) => open(index + 1))
const readAll = (streams: readonly ReturnType<Process['open']>[]) => Promise.all(streams.map(({ read }) => read()))
const ten = (result: string | RegExp) =>
  Array.from({ length: 10 }, () => (typeof result === 'string' ? result : expect.stringMatching(result)))

const bodies = ['null', '""', '0', 'KO', '', '<LoginResult/>']
const loginPage: [number, string] = [200, '<html><form><input type=password></form></html>']

describe.each([
  [[401], unauthorized],
  [[403], forbidden],
  [loginPage, unauthorized],
] as [[number, string?], RegExp][])('a server that denies each call with %j', (denial, error) => {
  test.each(bodies)('gets one login of ten streams in 30 minutes when it answers a login with "%s"', async (body) => {
    const process = await processAt(body, () => denial)
    const streams = tenStreams(process)
    for (; process.now < 30 * minute; process.now += minute) expect(await readAll(streams)).toEqual(ten(error))
    expect([process.logins(), process.server.calls.length]).toEqual([1, 2])
    expect(await readAll(streams)).toEqual(ten(error))
    expect([process.logins(), process.server.calls.length]).toEqual([2, 4])
  })
})

describe('a refused account', () => {
  const refused = async () => {
    const rights = { given: false }
    const process = await processAt('true', () => (rights.given ? [200, EMPTY_PAGE] : [403]))
    const streams = tenStreams(process)
    expect(await readAll(streams)).toEqual(ten(forbidden))
    return { process, streams, rights }
  }

  test('is tried once when an operator resumes a stream, and by all streams once that try returned a page', async () => {
    const { process, streams, rights } = await refused()
    streams[3]?.allowOneTry()
    expect(await readAll(streams)).toEqual(ten(forbidden))
    expect(process.logins()).toBe(2)
    rights.given = true
    expect(await readAll(streams)).toEqual(ten(forbidden))
    streams[3]?.allowOneTry()
    expect([await readAll(streams), process.logins()]).toEqual([ten(page), 12])
  })

  test('is tried when the password in its file has changed', async () => {
    const { process, streams } = await refused()
    process.account.password = 'new'
    expect([await readAll(streams), process.logins()]).toEqual([ten(forbidden), 2])
  })
})

describe('an account that a page has proved', () => {
  test('is not refused when a session is denied, and nobody logs in again', async () => {
    const process = await processAt('', (shop) => (shop === 2 ? [403] : [200, EMPTY_PAGE]))
    const [one, denied, other] = [1, 2, 3].map(process.open)
    expect(await one?.read()).toBe(page)
    for (; process.now < minute; process.now += minute / 4) {
      expect(await denied?.read()).toMatch(forbidden)
      expect(await one?.read()).toBe(page)
    }
    expect(process.logins()).toBe(2)
    expect([await other?.read(), process.logins()]).toEqual([page, 3])
  })
})

describe('a first call that fails for a reason that says nothing of the account', () => {
  test.each<[number, string?]>([[503], [429], [200, '<html>maintenance</html>']])(
    'with %j keeps its session: each stream logs in once, one after the other',
    async (...failure) => {
      const server = { isWell: false }
      const process = await processAt('KO', () => (server.isWell ? [200, EMPTY_PAGE] : failure))
      const streams = tenStreams(process)
      for (; process.now < 20 * minute; process.now += minute) expect(await readAll(streams)).toEqual(ten(/^source\./))
      expect(process.logins()).toBe(10)
      server.isWell = true
      expect([await readAll(streams), process.logins()]).toEqual([ten(page), 10])
    },
  )

  test('keeps its session until an operator resumes the stream: then that stream alone logs in again', async () => {
    const process = await processAt('KO', () => [302])
    const streams = tenStreams(process)
    await readAll(streams)
    for (const _ of [1, 2]) {
      streams[3]?.allowOneTry()
      for (const _again of [1, 2]) expect(await readAll(streams)).toEqual(ten(/^source\./))
    }
    expect(process.logins()).toBe(12)
  })
})
