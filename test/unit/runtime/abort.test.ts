import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { linkedAbort } from '../../../connector/runtime/abort.ts'

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('linkedAbort', () => {
  test('aborts with the reason of its parent when the parent aborts', () => {
    const parent = new AbortController()
    const linked = linkedAbort(parent.signal)
    parent.abort('stop')
    expect(linked.signal.reason).toBe('stop')
  })

  test('is aborted from the start when its parent has already aborted', () => {
    expect(linkedAbort(AbortSignal.abort('stop')).signal.reason).toBe('stop')
  })

  test('keeps its own reason and leaves no listener on its parent when it is aborted itself', () => {
    const parent = new AbortController()
    const linked = linkedAbort(parent.signal)
    linked.abort('own')
    parent.abort('stop')
    expect(linked.signal.reason).toBe('own')
    expect(listenersOf(parent.signal)).toBe(0)
  })

  test('leaves no listener on its parent when it is disposed', () => {
    const parent = new AbortController()
    const linked = linkedAbort(parent.signal)
    expect(listenersOf(parent.signal)).toBe(1)
    linked[Symbol.dispose]()
    expect(listenersOf(parent.signal)).toBe(0)
  })
})
