import { expect, it } from 'vitest'
import { systemClock } from '../../../../../connector/runtime/clock.ts'
import { serverCookies } from '../../../../../connector/source/polaris/http/server-cookies.ts'

const base = new URL('http://polaris.example.com/core/api/')
const response = { url: new URL('ACL.Login', base), serverTime: undefined }

it('names a Secure cookie that a call without TLS does not send', async () => {
  const dropped = await serverCookies(base, systemClock).keep(['S=1; Path=/; Secure'], response)
  expect(dropped).toEqual([{ name: 'S', why: 'it is for https only (Secure)' }])
})

it('sends a Secure cookie with TLS', async () => {
  const secure = new URL('https://polaris.example.com/core/api/')
  const cookies = serverCookies(secure, systemClock)
  expect(await cookies.keep(['S=1; Path=/; Secure'], { ...response, url: secure })).toEqual([])
  expect(await cookies.header(secure)).toBe('S=1')
})

it('takes Expires by its own clock if the response has no Date', async () => {
  const cookies = serverCookies(base, systemClock)
  const inAnHour = new Date(systemClock.now() + 3_600_000).toUTCString()
  expect(await cookies.keep([`S=1; Path=/; Expires=${inAnHour}`], response)).toEqual([])
  expect(await cookies.header(base)).toBe('S=1')
})
