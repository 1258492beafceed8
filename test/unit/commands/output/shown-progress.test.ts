import { describe, expect, test } from 'vitest'
import { showingProgress } from '../../../../connector/commands/output/shown-progress.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

describe('the progress of some work', () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  test('is shown again and again on a terminal, and cleared when the work is done or fails', async () => {
    for (const outcome of ['done', 'failed']) {
      const clock = virtualClock(0)
      const shown: string[] = []
      const work = Promise.withResolvers<string>()
      const text = () => `${clock.monotonic()} ms`
      const waiting = showingProgress(work.promise, { show: (line) => shown.push(line), text, clock })
      await settled()
      clock.fireNext()
      await settled()
      if (outcome === 'done') work.resolve('done')
      else work.reject(new Error('failed'))
      expect(await waiting.catch((error: Error) => error.message)).toBe(outcome)
      expect(shown).toEqual(['0 ms', '200 ms', ''])
    }
  })

  test('is not shown without a terminal', async () => {
    const text = () => expect.fail()
    expect(await showingProgress(Promise.resolve(1), { show: undefined, text, clock: virtualClock(0) })).toBe(1)
  })
})
