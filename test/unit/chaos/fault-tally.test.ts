import { expect, test } from 'vitest'
import { faultTally } from '../../chaos/fault-tally.ts'

test('reports a kind of fault that was tried three times and never injected, and none that was only planned', () => {
  const fault = { kind: 'restart brokers' } as const
  const tally = faultTally([fault, fault, fault])
  const never = expect.arrayContaining([expect.stringContaining('never injected')])
  tally.count(fault, 'not possible')
  expect(tally.problems()).not.toEqual(never)
  tally.count(fault, 'not possible')
  tally.count(fault, 'not possible')
  expect(tally.problems()).toEqual(never)
})
