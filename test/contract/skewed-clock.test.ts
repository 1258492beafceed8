import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('shifts the current time of a process, but no explicit dates, when the skewed clock is loaded', async () => {
  const module = new URL('../support/preloaded/skewed-clock.ts', import.meta.url).href
  const script = `[Date.now(), +new Date(), Date.parse(Date()), +new Date(2000), new Date() instanceof Date]`
  const env = { ...process.env, NODE_OPTIONS: `--import=${module}`, CLOCK_SKEW_MS: '-3600000' }
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', `JSON.stringify(${script})`], { env })
  const [now, constructed, printed, explicit, isDate] = JSON.parse(stdout)
  for (const time of [now, constructed, printed]) expect(Math.abs(Date.now() - 3_600_000 - time)).toBeLessThan(10_000)
  expect([explicit, isDate]).toEqual([2000, true])
})
