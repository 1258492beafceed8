import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { graceAfter, stopOnSignals } from '../../../connector/runtime/shutdown.ts'
import { settled, virtualClock } from '../../support/fakes/virtual-clock.ts'

// Signals come from an emitter of the test, and time is virtual.

function listening() {
  const source = new EventEmitter()
  const exits: number[] = []
  return { source, exits, shutdown: stopOnSignals(source, (code) => exits.push(code)) }
}

describe('stopOnSignals', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('requests a stop and does not exit on the first %s', (signal) => {
    const { source, exits, shutdown } = listening()
    expect(shutdown.stop.aborted).toBe(false)
    source.emit(signal, signal)
    expect(shutdown.stop.aborted).toBe(true)
    expect(String(shutdown.stop.reason)).toContain(signal)
    expect(exits).toEqual([])
  })

  test.each([
    ['SIGTERM', 'SIGTERM', 143],
    ['SIGTERM', 'SIGINT', 130],
    ['SIGINT', 'SIGINT', 130],
  ] as const)('exits immediately on %s followed by %s, with code %i', (first, second, code) => {
    const { source, exits } = listening()
    source.emit(first, first)
    source.emit(second, second)
    expect(exits).toEqual([code])
  })
})

test('graceAfter starts its timer at the stop', async () => {
  const clock = virtualClock(0)
  const stopping = new AbortController()
  using grace = graceAfter(stopping.signal, 25_000, clock)
  expect(clock.nextTimerAt()).toBeUndefined()
  await clock.advance(1_000)
  stopping.abort()
  await clock.advance(24_999)
  expect(grace.signal.aborted).toBe(false)
  await clock.advance(1)
  expect(String(grace.signal.reason)).toContain('25000 ms')
})

test('graceAfter clears its timer and never aborts when it is disposed in time', async () => {
  const clock = virtualClock(0)
  const stopping = new AbortController()
  const grace = graceAfter(stopping.signal, 25_000, clock)
  stopping.abort()
  grace[Symbol.dispose]()
  await settled()
  expect(clock.nextTimerAt()).toBeUndefined()
  expect(grace.signal.aborted).toBe(false)

  const unused = new AbortController()
  graceAfter(unused.signal, 25_000, clock)[Symbol.dispose]()
  unused.abort()
  expect(clock.nextTimerAt()).toBeUndefined()
})
