import { describe, expect, test } from 'vitest'
import { progressReport, showingProgress } from '../../../../connector/commands/output/shown-progress.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

describe('the progress of some work', () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const text = (elapsedMs: number) => `${elapsedMs} ms`

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
        ...{ end: outcome, shown: ['0 ms', '200 ms', ''] },
      })
  })

  test('is not shown without a terminal', async () => {
    expect(await written({ pauses: 0, outcome: 'done', isTerminal: false })).toEqual({ end: 'done', shown: [] })
  })
})

function reporting(hasTerminal: boolean) {
  const clock = virtualClock(0)
  const shown: string[] = []
  const printed: string[] = []
  const showProgress = hasTerminal ? (line: string) => shown.push(line) : undefined
  const report = progressReport({ showProgress, printError: (line) => printed.push(line) }, clock)
  return { clock, shown, printed, report: (share: number | null) => report(share, 'read') }
}

describe('the progress report', () => {
  test('shows a bar, at most five times a second, on a terminal', () => {
    const { clock, shown, printed, report } = reporting(true)
    for (const share of [0.5, 0.6]) report(share)
    clock.pass(200)
    report(0.7)
    expect(shown).toEqual(['[###############---------------] 50 % read', '[#####################---------] 70 % read'])
    expect(printed).toEqual([])
  })

  test('prints a line every ten seconds, and at the end, without a terminal', () => {
    const { clock, shown, printed, report } = reporting(false)
    for (const share of [0, 0.1]) report(share)
    clock.pass(10_000)
    for (const share of [0.2, 0.3, 1, 1]) report(share)
    expect(printed.map((line) => line.split(' %')[0])).toEqual(['0', '20', '100'])
    expect(shown).toEqual([])
  })

  test('shows no bar if it is unknown how much is done', () => {
    const { shown, report } = reporting(true)
    report(null)
    expect(shown).toEqual(['read'])
  })
})
