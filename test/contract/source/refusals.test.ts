import { describe, expect, it } from 'vitest'
import { EMPTY_PAGE, readOnce, testSource } from '../../support/one-read.ts'
import { type ScriptedCall, scriptedServer } from '../../support/servers/scripted-http.ts'

const account = { user: 'utilisateur-4711', password: 'motdepasse-4711' }
const auth = { kind: 'login', account } as const
const isLogin = ({ url }: ScriptedCall) => url.pathname.endsWith('/ACL.Login')

it('a 401 with Bearer ends a session whose calls carry a Bearer token: the next read logs in again', async () => {
  const token = {
    from: { kind: 'text' },
    sendAs: { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
  } as const
  let isExpired = false
  await using server = await scriptedServer((call, response) => {
    const isRefused = !isLogin(call) && isExpired
    if (isLogin(call)) isExpired = false
    response.writeHead(isRefused ? 401 : 200, { 'www-authenticate': 'Bearer' }).end(isLogin(call) ? 'abc' : EMPTY_PAGE)
  })
  await using source = testSource({
    url: server.url,
    auth: { ...auth, token },
  })
  await source.read()
  isExpired = true
  expect(await source.read()).toBe('a page with 0 clients')
})

describe('a hostile answer to a login', () => {
  const MB = 1024 * 1024
  it.each([
    ['a name of an error without end', `{"${'error'.repeat(MB / 5)}`],
    ['blanks', ' '.repeat(16 * MB)],
    ['elements', `<r>${'<a/>'.repeat(MB)}`],
    ['nesting', '[1,'.repeat(MB)],
  ])('does not stop the event loop: %s', async (_, body) => {
    await using server = await scriptedServer((call, response) => void response.end(isLogin(call) ? body : EMPTY_PAGE))
    const longest = await longestPause(() => readOnce({ url: server.url, auth }))
    expect(longest).toBeLessThan(1_500)
  })
})

/** The longest time in milliseconds for which nothing else could run. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now()
  let longest = 0
  const look = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(look, 10)
  try {
    await work()
    return longest
  } finally {
    clearInterval(timer)
  }
}
