import { describe, expect, test } from 'vitest'
import { showingProgress } from '../../../../connector/commands/output/shown-progress.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

describe('the progress of some work', () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const text = () => 'reading'

  /** What is written while the work takes this number of pauses of the clock, and how the work ended. */
  async function written({ pauses, outcome, isTerminal }: { pauses: number; outcome: string; isTerminal: boolean }) {
    const clock = virtualClock(0)
    const shown: string[] = []
    const work = Promise.withResolvers<string>()
    const showProgress = isTerminal ? (line: string) => shown.push(line) : undefined
    const waiting = showingProgress(work.promise, { output: { showProgress }, text, clock })
    for (let pause = 0; pause < pauses; pause += 1) {
      await settled()
      clock.fireNext()
    }
    await settled()
    if (outcome === 'done') work.resolve('done')
    else work.reject(new Error('failed'))
    return { end: await waiting.catch((error: Error) => error.message), shown }
  }

  test('is shown again and again on a terminal, and cleared when the work is done or fails', async () => {
    for (const outcome of ['done', 'failed'])
      expect(await written({ pauses: 1, outcome, isTerminal: true })).toEqual({
        ...{ end: outcome, shown: ['reading (0 s)', 'reading (0 s)', ''] },
      })
  })

  test('is not shown without a terminal', async () => {
    expect(await written({ pauses: 0, outcome: 'done', isTerminal: false })).toEqual({ end: 'done', shown: [] })
  })
})
