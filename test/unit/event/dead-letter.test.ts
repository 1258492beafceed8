import { describe, expect, test } from 'vitest'
import { deadLetterGuard } from '../../../connector/event/dead-letter.ts'

/** Adds the outcomes in order. Returns after how many there are too many dead letters. */
function tooManyAfter(outcomes: readonly ('event' | 'dead-letter')[]): number | undefined {
  const guard = deadLetterGuard()
  const index = outcomes.findIndex((outcome) => guard.add(outcome) === 'too-many')
  return index < 0 ? undefined : index + 1
}
const good = (count: number) => new Array<'event'>(count).fill('event')
const bad = (count: number) => new Array<'dead-letter'>(count).fill('dead-letter')

describe('the dead-letter guard', () => {
  test('accepts fewer than ten dead letters, even without any events', () => {
    expect(tooManyAfter(bad(9))).toBeUndefined()
    expect(tooManyAfter(bad(10))).toBe(10)
  })

  test('reports more than a tenth of the clients', () => {
    expect(tooManyAfter([...good(900), ...bad(100)])).toBeUndefined()
    expect(tooManyAfter([...good(909), ...bad(101)])).toBe(1010)
  })

  test('counts only the last thousand clients', () => {
    expect(tooManyAfter([...bad(9), ...good(5000), ...bad(100)])).toBeUndefined()
    expect(tooManyAfter([...good(5000), ...bad(101)])).toBe(5101)
  })

  test('copies its counts to an independent guard', () => {
    const guard = deadLetterGuard()
    for (const outcome of bad(9)) guard.add(outcome)
    const copy = guard.copy()
    for (const outcome of good(100)) copy.add(outcome)
    expect(guard.add('dead-letter')).toBe('too-many')
    expect(copy.add('dead-letter')).toBe('fine')
  })
})
