import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { stopOnSignals } from '../../../connector/runtime/shutdown.ts'

function listening() {
  const source = new EventEmitter()
  const exits: number[] = []
  return { source, exits, shutdown: stopOnSignals(source, (code) => exits.push(code)) }
}

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('the first %s asks to stop and does not leave', (signal) => {
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
  ] as const)('%s and then %s leaves at once with %i', (first, second, code) => {
    const { source, exits } = listening()
    source.emit(first, first)
    source.emit(second, second)
    expect(exits).toEqual([code])
  })

  test('no listener is left behind', () => {
    const { source, shutdown } = listening()
    expect(source.listenerCount('SIGTERM')).toBe(1)
    shutdown[Symbol.dispose]()
    expect(source.eventNames()).toEqual([])
  })
})
