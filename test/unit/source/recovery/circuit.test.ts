import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Trouble } from '../../../../connector/source/client-source.ts'
import {
  type Circuit,
  type CircuitEvent,
  circuitAfter,
  closedCircuit,
  probeIntervalMs,
} from '../../../../connector/source/recovery/circuit.ts'

const settings = { failures: 3, firstIntervalMs: 1_000, maxIntervalMs: 8_000, maxRetryAfterMs: 60_000 }
const after = (circuit: Circuit, event: CircuitEvent, now = 0, random = 0.5) =>
  circuitAfter(circuit, event, { settings, now, random })

const closed = (failures: number): Circuit => ({ kind: 'closed', failures })
const open = (probeAt: number, probes = 0, why: Trouble = 'source-down'): Circuit => ({
  kind: 'open',
  why,
  probes,
  probeAt,
})

const failed = (from: 'call' | 'probe', why: Trouble = 'source-down', retryAfterMs?: number): CircuitEvent => ({
  kind: 'failed',
  from,
  why,
  retryAfterMs,
})
const succeeded: CircuitEvent = { kind: 'succeeded' }

describe('transitions', () => {
  test.each<[string, Circuit, CircuitEvent, Circuit]>([
    ['a failure is counted', closed(0), failed('call'), closed(1)],
    ['a success ends the run', closed(2), succeeded, closed(0)],
    ['the last failure of the run opens', closed(2), failed('call'), open(10_750)],
    ['a request to wait counts as a failure', closed(0), failed('call', 'throttled', 5_000), closed(1)],
    ['the last failure says why', closed(2), failed('call', 'throttled'), open(10_750, 0, 'throttled')],
    ['Retry-After delays', closed(2), failed('call', 'throttled', 5_000), open(15_000, 0, 'throttled')],
    ['Retry-After has a limit', closed(2), failed('call', 'throttled', 9e9), open(70_000, 0, 'throttled')],
    ['a failed probe doubles the interval', open(9_000), failed('probe'), open(11_500, 1)],
    ['the interval has a limit', open(9_000, 40), failed('probe'), open(16_000, 41)],
    ['a failed probe may say otherwise', open(9_000), failed('probe', 'throttled'), open(11_500, 1, 'throttled')],
    ['a good probe closes', open(9_000, 7), succeeded, closed(0)],
    ['calls that began before it opened change nothing', open(9_000, 1), failed('call'), open(9_000, 1)],
    ['a call that began before it opened closes it', open(9_000, 1), succeeded, closed(0)],
  ])('%s', (_, before, event, expected) => {
    expect(after(before, event, 10_000)).toEqual(expected)
  })
})

const events = fc.array(
  fc.record({
    event: fc.oneof(
      ...[succeeded, failed('call'), failed('probe'), failed('probe', 'throttled', 90_000)].map((event) =>
        fc.constant(event),
      ),
    ),
    passedMs: fc.nat(20_000),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  }),
)

test('a probe is never due later than the longest interval or the longest Retry-After', () => {
  fc.assert(
    fc.property(events, (history) => {
      let circuit: Circuit = closedCircuit
      let now = 0
      for (const { event, passedMs, random } of history) {
        now += passedMs
        const before = circuit
        circuit = after(before, event, now, random)
        if (event.kind === 'succeeded') expect(circuit).toEqual(closedCircuit)
        if (circuit.kind === 'closed') expect(circuit.failures).toBeLessThan(settings.failures)
        else {
          expect(circuit.probeAt - now).toBeLessThanOrEqual(settings.maxRetryAfterMs)
          const isNew = before.kind === 'closed' || before.probes !== circuit.probes
          const shortest = probeIntervalMs(settings, circuit.probes) / 2
          if (isNew) expect(circuit.probeAt - now).toBeGreaterThanOrEqual(shortest)
        }
      }
    }),
  )
})
