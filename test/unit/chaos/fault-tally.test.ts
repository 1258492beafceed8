import { expect, it } from 'vitest'
import type { Fault } from '../../chaos/fault-plan.ts'
import { faultTally } from '../../chaos/fault-tally.ts'

const kill: Fault = { kind: 'kill', replica: 1, moment: 'prepared', forMs: 0 }
const drop: Fault = { kind: 'drop answers', replica: 1, way: 's3' }

it('a run in which most faults were had is worth something, and shows which were not, and why', () => {
  const tally = faultTally([kill, kill, drop])
  tally.count(kill, 'prepared: replica-1')
  tally.count(kill, 'not prepared within 15000 ms')
  tally.count(drop, '3 dropped')
  expect(tally.lines()).toEqual(['drop answers, s3: 1 of 1', 'kill, prepared: 1 of 2 (1 not prepared within 15000 ms)'])
  expect(tally.problems()).toEqual([])
})

it('a run in which most faults missed is worth nothing', () => {
  const tally = faultTally([kill, kill, drop, drop])
  tally.count(drop, '3 dropped')
  tally.count(kill, 'not prepared within 15000 ms')
  expect(tally.lines()).toContain('kill, prepared: 0 of 2 (1 not prepared within 15000 ms; 1 not begun, or failed)')
  expect(tally.problems()).toEqual(['the faults: only 1 of 2 were had as planned'])
})

it('neither is one in which a kind of fault never worked', () => {
  const tally = faultTally([...Array.from({ length: 9 }, () => kill), drop, drop, drop])
  for (let count = 0; count < 9; count += 1) tally.count(kill, '')
  for (let count = 0; count < 3; count += 1) tally.count(drop, 'not dropped: no request came')
  expect(tally.problems()).toEqual(['the faults: «drop answers, s3» was planned 3 times and never had'])
})
