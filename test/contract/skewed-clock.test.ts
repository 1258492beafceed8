import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('a process that loads the skewed clock has another time of day, whichever way it asks, and the same dates', async () => {
  const module = new URL('../support/skewed-clock.ts', import.meta.url).href
  const asks = `[Date.now(), +new Date(), Date.parse(Date()), +new Date(2000), new Date() instanceof Date]`
  const env = { ...process.env, NODE_OPTIONS: `--import=${module}`, CLOCK_SKEW_MS: '-3600000' }
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', `JSON.stringify(${asks})`], { env })
  const [now, made, told, given, isDate] = JSON.parse(stdout)
  for (const time of [now, made, told]) expect(Math.abs(Date.now() - 3_600_000 - time)).toBeLessThan(10_000)
  expect([given, isDate]).toEqual([2000, true])
})
