import { expect, it } from 'vitest'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { chaosTimes } from '../../chaos/chaos-replica.ts'
import {
  type Fault,
  faultPlan,
  type Lane,
  lanes,
  nominalMs,
  PAUSE_MS,
  usualLanes,
  WHOLE,
} from '../../chaos/fault-plan.ts'

const kindOf = (fault: Fault) =>
  [fault.kind, 'link' in fault ? fault.link : '', fault.kind === 'kill' ? fault.point : ''].join(' ')
const kinds = (seed: number, lengthMs: number) => new Set(faultPlan(seed, lengthMs).map(({ fault }) => kindOf(fault)))

it('plans the same faults for the same seed, and others for another seed', () => {
  expect(faultPlan(7, 600_000)).toEqual(faultPlan(7, 600_000))
  expect(faultPlan(7, 600_000)).not.toEqual(faultPlan(8, 600_000))
})

it('starts a longer run like a shorter one', () => {
  const [short, long] = [faultPlan(7, 45_000), faultPlan(7, 600_000)]
  for (const lane of lanes) {
    const [first, all] = [short, long].map((plan) => plan.filter((planned) => planned.lane === lane))
    expect(all?.slice(0, first?.length)).toEqual(first)
  }
})

it('plans every kind of fault in the short run, for any seed', () => {
  const all = kinds(0, 600_000)
  expect(all.size).toBe(22)
  for (let seed = 0; seed < 500; seed += 1) {
    expect(kinds(seed, 45_000)).toEqual(all)
    const ends = faultPlan(seed, 45_000).map(({ atMs, fault }) => atMs + nominalMs(fault))
    expect(Math.max(...ends)).toBeLessThan(55_000)
  }
})

it('restarts the server only if its lane is chosen', () => {
  const kindsOf = (chosen: readonly Lane[]) =>
    new Set(faultPlan(7, 600_000, { ...WHOLE, chosen }).map(({ fault }) => fault.kind))
  expect(kindsOf(['server'])).toEqual(new Set(['restart server']))
  expect(kindsOf(usualLanes)).not.toContain('restart server')
})

it('kills and restarts a single broker, and moves no leaders', () => {
  const faults = faultPlan(7, 600_000, { brokers: 1, copies: 1 }).map(({ fault }) => fault)
  expect(faults.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['kill broker', 'restart brokers']))
  expect(faults.filter((fault) => fault.kind === 'move leaders')).toEqual([])
  expect(new Set(faults.flatMap((fault) => (fault.kind === 'kill broker' ? [fault.broker] : [])))).toEqual(new Set([1]))
})

it('plans the faults of a lane one after the other, each after the end of the previous one', () => {
  for (const lane of lanes) {
    const own = faultPlan(3, 600_000).filter((planned) => planned.lane === lane)
    for (const [at, { atMs, fault }] of own.entries()) {
      const next = own[at + 1]?.atMs ?? Number.POSITIVE_INFINITY
      expect(next - atMs).toBeGreaterThan('forMs' in fault ? fault.forMs : 0)
    }
  }
})

it('plans pauses that outlast every timeout of the replicas', () => {
  const { run, polaris, kafka, checkpoint } = chaosTimes
  const { sessionTimeoutMs, rebalanceTimeoutMs } = groupDefaults
  const { paces, ...limits } = kafka
  const timeouts = [polaris.timeouts, limits, paces.stream, checkpoint].flatMap((times) => Object.values(times))
  timeouts.push(run.finishWithinMs, sessionTimeoutMs, rebalanceTimeoutMs)
  for (const timeout of timeouts) expect(timeout).toBeLessThan(PAUSE_MS)
})
