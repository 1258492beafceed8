import { expect, test } from 'vitest'
import { ConnectorError } from '../../../../../connector/runtime/connector-error.ts'
import { accountGates } from '../../../../../connector/source/polaris/session/account-gate.ts'
import { settled, virtualClock } from '../../../../support/fakes/virtual-clock.ts'
import { never } from '../../../../support/signals.ts'

// Many log in to a server in memory that accepts one password, in virtual time.

const minute = 60_000
const refusal = new ConnectorError('source.unauthorized', 'refused')

/** A server that accepts the password `right`, and a process that logs in to it. */
function setUp({ right = 'right' }: { right?: string | null } = {}) {
  const clock = virtualClock(0)
  const gate = accountGates(clock)()
  const proofs: boolean[] = []
  const server = { right, tries: [] as string[] }
  const account = { user: 'u', password: 'wrong' }
  type More = { server?: string; answer?: () => Promise<void>; isEachCall?: boolean; isPage?: boolean }
  const logIn = ({ isEachCall = false, isPage = true, ...more }: More = {}, stop = never) =>
    gate.logIn(
      {
        server: more.server ?? 'a',
        account: () => account,
        isEachCall,
        exchange: async ({ user, password }, isProved) => {
          proofs.push(isProved)
          server.tries.push(`${user}:${password}`)
          await more.answer?.()
          if (password !== server.right) return { kind: 'refused', error: refusal, againAfterMs: 30 * minute }
          return { kind: isPage ? 'proved' : 'accepted', result: 'in' }
        },
      },
      stop,
    )
  return { clock, account, server, proofs, logIn, allowOneTry: gate.allowOneTry }
}

test('retries a refused password every 30 minutes', async () => {
  const { clock, server, logIn } = setUp()
  const triesAt: number[] = []
  for (let passed = 0; passed <= 62 * minute; passed += minute / 2) {
    const before = server.tries.length
    await expect(logIn()).rejects.toMatchObject({ code: 'source.unauthorized' })
    if (server.tries.length > before) triesAt.push(clock.now() / minute)
    clock.jump(minute / 2)
  }
  expect(triesAt).toEqual([0, 30, 60])
})

test('tries a new password immediately', async () => {
  const { account, server, logIn } = setUp()
  await expect(logIn()).rejects.toMatchObject({ code: 'source.unauthorized' })
  account.password = 'right'
  expect([await logIn(), await logIn()]).toEqual(['in', 'in'])
  expect(server.tries).toEqual(['u:wrong', 'u:right', 'u:right'])
})

test('retries with the new password when the password changed during the login', async () => {
  const { account, server, logIn } = setUp()
  const answer = async () => {
    account.password = 'right'
  }
  expect(await logIn({ answer })).toBe('in')
  expect(server.tries).toEqual(['u:wrong', 'u:right'])
})

test('distinguishes users and servers', async () => {
  const { account, server, logIn } = setUp()
  await expect(logIn()).rejects.toMatchObject({ code: 'source.unauthorized' })
  await expect(logIn({ server: 'b' })).rejects.toMatchObject({ code: 'source.unauthorized' })
  account.user = 'other'
  await expect(logIn()).rejects.toMatchObject({ code: 'source.unauthorized' })
  expect(server.tries).toHaveLength(3)
})

test('tries a wrong password once when many log in at the same time', async () => {
  const { server, logIn } = setUp()
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => logIn()))
  expect(all.map(({ status }) => status)).toEqual(all.map(() => 'rejected'))
  expect(server.tries).toHaveLength(1)
})

test.each([
  ['each call is a login, as with Basic authentication', true, 3],
  ['a login begins a session', false, 2],
])('once the password is proved, if %s, so many run at the same time', async (_, isEachCall, expected) => {
  const { account, logIn } = setUp()
  account.password = 'right'
  const answers = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  let started = 0
  const logins = answers.map(({ promise }) =>
    logIn({
      isEachCall,
      answer: () => {
        started += 1
        return promise
      },
    }),
  )
  await settled()
  expect(started).toBe(1)
  answers[0]?.resolve()
  await settled()
  expect(started).toBe(expected)
  for (const { resolve } of answers) resolve()
  expect(await Promise.all(logins)).toEqual(['in', 'in', 'in'])
})

test.each([true, false])(
  'tries a password that is no longer right once more, not for each stream (%s)',
  async (isEachCall) => {
    const { account, server, logIn } = setUp()
    account.password = 'right'
    await logIn({ isEachCall })
    server.right = 'changed'
    const first = logIn({ isEachCall })
    await expect(first).rejects.toMatchObject({ code: 'source.unauthorized' })
    await Promise.allSettled(Array.from({ length: 100 }, () => logIn({ isEachCall })))
    expect(server.tries).toHaveLength(2)
  },
)

test('tries a password that is no longer right once when all streams log in again at the same time', async () => {
  const { account, server, logIn } = setUp()
  account.password = 'right'
  await logIn()
  server.right = 'changed'
  await Promise.allSettled(Array.from({ length: 100 }, () => logIn()))
  expect(server.tries).toHaveLength(2)
})

test('tells whether the account was proved, which a login alone does not do', async () => {
  const { account, server, proofs, logIn } = setUp()
  account.password = 'right'
  for (const isPage of [false, true, false, false]) await logIn({ isPage })
  expect(proofs).toEqual([false, false, true, true])
  server.right = 'changed'
  await expect(logIn()).rejects.toBe(refusal)
  account.password = 'changed'
  await logIn()
  expect(proofs.slice(4)).toEqual([true, false])
})

test('takes nothing for a proof that arrives after another call was refused', async () => {
  const { account, server, logIn } = setUp()
  account.password = 'right'
  await logIn({ isEachCall: true })
  const late = Promise.withResolvers<void>()
  const call = logIn({ isEachCall: true, answer: () => late.promise })
  server.right = 'changed'
  await expect(logIn({ isEachCall: true })).rejects.toBe(refusal)
  server.right = 'right'
  late.resolve()
  expect(await call).toBe('in')
  await expect(logIn({ isEachCall: true })).rejects.toBe(refusal)
  expect(server.tries).toHaveLength(3)
})

test('keeps a proof that arrives after an operator has allowed one more try', async () => {
  const { account, server, proofs, clock, logIn, allowOneTry } = setUp()
  account.password = 'right'
  server.right = null
  await expect(logIn()).rejects.toBe(refusal)
  clock.jump(30 * minute)
  server.right = 'right'
  await logIn({ answer: async () => allowOneTry() })
  await logIn()
  expect(proofs).toEqual([false, false, true])
})

test('rejects immediately on a stop while waiting for another login', async () => {
  const { logIn } = setUp()
  void logIn({ answer: () => new Promise(() => {}) })
  const stop = new AbortController()
  const waiting = logIn({}, stop.signal)
  const reason = new Error('stop')
  stop.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})
