import { expect, test } from 'vitest'
import { limitedServers, serverPermits } from '../../../../../connector/source/polaris/http/server-limits.ts'
import { virtualClock } from '../../../../support/fakes/virtual-clock.ts'
import { never } from '../../../../support/signals.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('requests begin evenly spaced at the rate, in their order, and one that is aborted keeps no permit', async () => {
  const clock = virtualClock(0)
  const permits = serverPermits(4, clock)
  const starts: string[] = []
  const stop = new AbortController()
  for (const name of ['a', 'b', 'c'])
    void permits.acquire(never).then(() => starts.push(`${name} ${clock.monotonic()}`))
  const aborted = permits.acquire(stop.signal)
  await settled()
  stop.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  for (let timer = 0; timer < 2; timer += 1) {
    clock.fireNext()
    await settled()
  }
  expect(starts).toEqual(['a 0', 'b 250', 'c 500'])
})

test('at most eight requests are sent to one server at a time, whichever streams send them', async () => {
  const servers = limitedServers(virtualClock(0))
  const acquired: Disposable[] = []
  for (let stream = 0; stream < 10; stream += 1)
    void servers
      .of({ url: `https://P:443/${stream}` })
      .acquire(never)
      .then((permit) => acquired.push(permit))
  void servers
    .of({ url: 'http://p' })
    .acquire(never)
    .then((permit) => acquired.push(permit))
  await settled()
  expect(acquired).toHaveLength(9)
  acquired[0]?.[Symbol.dispose]()
  await settled()
  expect(acquired).toHaveLength(10)
})
