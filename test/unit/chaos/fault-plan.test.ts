import { expect, test } from 'vitest'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { chaosTimes } from '../../chaos/chaos-replica.ts'
import { type Fault, faultPlan, nominalMs, PAUSE_MS } from '../../chaos/fault-plan.ts'

const kindOf = (fault: Fault) =>
  [fault.kind, 'link' in fault ? fault.link : '', fault.kind === 'kill' ? fault.point : ''].join(' ')
const kinds = (seed: number, lengthMs: number) => new Set(faultPlan(seed, lengthMs).map(({ fault }) => kindOf(fault)))

test('plans every kind of fault in the short run, for any seed', () => {
  const all = kinds(0, 600_000)
  expect(all.size).toBe(20)
  for (let seed = 0; seed < 500; seed += 1) {
    expect(kinds(seed, 45_000)).toEqual(all)
    const ends = faultPlan(seed, 45_000).map(({ atMs, fault }) => atMs + nominalMs(fault))
    expect(Math.max(...ends)).toBeLessThan(55_000)
  }
})

test('plans pauses that outlast every timeout of the replicas', () => {
  const { run, polaris, kafka, checkpoint } = chaosTimes
  const { sessionTimeoutMs, rebalanceTimeoutMs } = groupDefaults
  const { patience, ...limits } = kafka
  const timeouts = [polaris.timeouts, limits, patience.stream, checkpoint].flatMap((times) => Object.values(times))
  timeouts.push(run.finishWithinMs, sessionTimeoutMs, rebalanceTimeoutMs)
  for (const timeout of timeouts) expect(timeout).toBeLessThan(PAUSE_MS)
})
