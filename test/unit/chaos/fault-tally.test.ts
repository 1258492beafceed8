import { expect, it } from 'vitest'
import type { Fault } from '../../chaos/fault-plan.ts'
import { faultTally } from '../../chaos/fault-tally.ts'

const kill: Fault = { kind: 'kill', replica: 1, point: 'prepared', forMs: 0 }
const drop: Fault = { kind: 'drop responses', replica: 1, link: 's3' }

it('rejects a run that missed most faults', () => {
  const tally = faultTally([kill, kill, drop, drop])
  tally.count(drop, '3 dropped')
  tally.count(kill, 'not prepared within 15000 ms')
  expect(tally.lines()).toContain('kill, prepared: 0 of 2 (1 not prepared within 15000 ms; 1 not started or failed)')
  expect(tally.problems()).toEqual(['faults: only 1 of 2 were injected as planned'])
})

it('rejects a run that never injected one kind of fault', () => {
  const tally = faultTally([...Array.from({ length: 9 }, () => kill), drop, drop, drop])
  for (let count = 0; count < 9; count += 1) tally.count(kill, '')
  for (let count = 0; count < 3; count += 1) tally.count(drop, 'not dropped: no request')
  expect(tally.problems()).toEqual(['faults: "drop responses, s3" was planned 3 times and never injected'])
})
