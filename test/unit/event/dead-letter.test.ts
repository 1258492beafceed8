import { describe, expect, test } from 'vitest'
import { deadLetter, deadLetterGuard } from '../../../connector/event/dead-letter.ts'

const parts = { code: 'client-too-large', field: 'No', bytes: 7, contentHash: 'h', clientJson: undefined } as const

describe('a dead letter', () => {
  test('says why, where, how large and which content, and nothing of the client', () => {
    expect(deadLetter(parts)).toBe('{"code":"client-too-large","field":"No","bytes":7,"contentHash":"h"}')
  })

  test('holds the client as it is where it is given', () => {
    expect(JSON.parse(deadLetter({ ...parts, clientJson: '{"a":"}"}' }))).toEqual({
      code: 'client-too-large',
      field: 'No',
      bytes: 7,
      contentHash: 'h',
      client: { a: '}' },
    })
  })
})

const limit = { maxShare: 0.1, minimum: 10, of: 1000 }
/** Adds clients in turn and says after how many there were too many. */
function tooManyAfter(outcomes: readonly ('event' | 'dead-letter')[]): number | undefined {
  const guard = deadLetterGuard(limit)
  const index = outcomes.findIndex((outcome) => guard.add(outcome) === 'too-many')
  return index < 0 ? undefined : index + 1
}
const good = (count: number) => new Array<'event'>(count).fill('event')
const bad = (count: number) => new Array<'dead-letter'>(count).fill('dead-letter')

describe('too many dead letters', () => {
  test('are ten at least, be they all that there is', () => {
    expect(tooManyAfter(bad(9))).toBeUndefined()
    expect(tooManyAfter(bad(10))).toBe(10)
  })

  test('are more than a tenth of the clients', () => {
    expect(tooManyAfter([...good(900), ...bad(100)])).toBeUndefined()
    expect(tooManyAfter([...good(909), ...bad(101)])).toBe(1010)
  })

  test('are counted among the last thousand clients only', () => {
    expect(tooManyAfter([...bad(9), ...good(5000), ...bad(100)])).toBeUndefined()
    expect(tooManyAfter([...good(5000), ...bad(101)])).toBe(5101)
  })

  test('a trickle below the share never adds up', () => {
    const trickle = Array.from({ length: 5000 }, (_, index) =>
      index % 10 === 9 ? ('dead-letter' as const) : ('event' as const),
    )
    expect(tooManyAfter(trickle)).toBeUndefined()
  })
})
