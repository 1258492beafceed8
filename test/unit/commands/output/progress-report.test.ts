import { describe, expect, test } from 'vitest'
import { progressReport } from '../../../../connector/commands/output/progress-report.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

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
