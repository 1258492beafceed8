import { expect, it } from 'vitest'
import { loadConfig } from '../../../connector/config/load-config.ts'
import { chaosSettings } from '../../chaos/chaos-scene.ts'
import { type Fault, faultPlan, lanes, nominalMs, PAUSE_MS } from '../../chaos/fault-plan.ts'

const kindOf = (fault: Fault) =>
  [fault.kind, 'way' in fault ? fault.way : '', fault.kind === 'kill' ? fault.moment : ''].join(' ')
const kinds = (seed: number, lengthMs: number) => new Set(faultPlan(seed, lengthMs).map(({ fault }) => kindOf(fault)))

it('the same seed plans the same faults, another one others', () => {
  expect(faultPlan(7, 600_000)).toEqual(faultPlan(7, 600_000))
  expect(faultPlan(7, 600_000)).not.toEqual(faultPlan(8, 600_000))
})

it('a longer run begins like a shorter one', () => {
  const [short, long] = [faultPlan(7, 45_000), faultPlan(7, 600_000)]
  for (const lane of lanes) {
    const [first, all] = [short, long].map((plan) => plan.filter((planned) => planned.lane === lane))
    expect(all?.slice(0, first?.length)).toEqual(first)
  }
})

it('every kind of fault comes within the short run, whatever the seed', () => {
  const all = kinds(0, 600_000)
  expect(all.size).toBe(17)
  for (let seed = 0; seed < 500; seed += 1) {
    expect(kinds(seed, 45_000)).toEqual(all)
    const ends = faultPlan(seed, 45_000).map(({ atMs, fault }) => atMs + nominalMs(fault))
    expect(Math.max(...ends)).toBeLessThan(55_000)
  }
})

it('a lone broker is killed and restarted, and leads whatever happens', () => {
  const faults = faultPlan(7, 600_000, { brokers: 1, copies: 1 }).map(({ fault }) => fault)
  expect(faults.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['kill broker', 'restart brokers']))
  expect(faults.filter((fault) => fault.kind === 'move leaders')).toEqual([])
  expect(new Set(faults.flatMap((fault) => (fault.kind === 'kill broker' ? [fault.broker] : [])))).toEqual(new Set([1]))
})

it('faults of a lane are planned one after the other, never before the end of a pause', () => {
  for (const lane of lanes) {
    const own = faultPlan(3, 600_000).filter((planned) => planned.lane === lane)
    for (const [at, { atMs, fault }] of own.entries()) {
      const next = own[at + 1]?.atMs ?? Number.POSITIVE_INFINITY
      expect(next - atMs).toBeGreaterThan('forMs' in fault ? fault.forMs : 0)
    }
  }
})

it('a pause outlasts every timeout of the replicas', () => {
  const text = chaosSettings(['one'], 'exactly-once')
  const environment = {
    SOURCE_URL: 'http://localhost',
    KAFKA_BROKERS: 'localhost:9092',
    CHECKPOINT_URL: 's3://any/chaos',
  }
  const settings = loadConfig({ file: 'connector.yaml', environment, readFile: () => text })
  const { kafka, checkpoint, placement, shutdown, streams } = settings
  const sections = [kafka, checkpoint, ...streams.map(({ polaris }) => polaris)].map(({ timeouts }) => timeouts)
  const timeouts = sections.flatMap((section): number[] => Object.values(section))
  timeouts.push(placement.sessionTimeout, placement.rebalanceTimeout, shutdown.finishWithin)
  expect(timeouts.length).toBeGreaterThan(12)
  for (const timeout of timeouts) expect(timeout).toBeLessThan(PAUSE_MS)
})
