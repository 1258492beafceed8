import { expect, test } from 'vitest'
import { requestRates, requestTurn } from '../../../../../connector/source/polaris/http/request-rate.ts'
import { settled, virtualClock } from '../../../../support/fakes/virtual-clock.ts'
import { never } from '../../../../support/signals.ts'

test('requests begin evenly spaced at the rate, in their order, and one may stop waiting', async () => {
  const clock = virtualClock(0)
  const turn = requestTurn(4, clock)
  const starts: string[] = []
  const stop = new AbortController()
  for (const name of ['a', 'b', 'c']) void turn(never).then(() => starts.push(`${name} ${clock.monotonic()}`))
  const aborted = turn(stop.signal)
  await settled()
  stop.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  await clock.advance(1_000)
  expect(starts).toEqual(['a 0', 'b 250', 'c 500'])
})

test('the streams of one server share its rate', () => {
  const rates = requestRates(virtualClock(0))
  const of = (url: string) => rates.of({ url, requestsPerSecond: 1 })
  expect(of('https://P:443/1')).toBe(of('https://p/2'))
  expect(of('https://p')).not.toBe(of('http://p'))
})
