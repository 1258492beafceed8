import { expect, test } from 'vitest'
import { type StreamState, streamStates } from '../../../connector/pipeline/pipeline-event.ts'
import { nextState, type StreamEvent } from '../../../connector/stream/stream-machine.ts'

const wanted = ['run', 'pause', 'wait', 'stop'] as const
/** Where the end of an attempt leads. */
const attempted = {
  left: 'stopping',
  retry: 'retrying',
  hold: 'held',
  lost: 'lost',
  'give-up': 'ended',
  'caught-up': 'ended',
} as const

/** Each state, and where each event leads. */
const table: Record<StreamState, Partial<Record<StreamEvent, StreamState>>> = {
  waiting: { run: 'opening', pause: 'paused', stop: 'ended' },
  paused: { run: 'opening', wait: 'waiting', stop: 'ended' },
  opening: { ...attempted, opened: 'running', 'group-silent': 'group-unreachable' },
  'group-unreachable': { ...attempted, 'group-answers': 'opening' },
  running: attempted,
  retrying: { passed: 'opening', left: 'stopping' },
  held: { passed: 'opening', left: 'stopping' },
  stopping: { run: 'opening', pause: 'paused', wait: 'waiting', stop: 'ended', lost: 'lost' },
  lost: { run: 'opening', pause: 'paused', wait: 'waiting', stop: 'ended' },
  ended: {},
}

const events: readonly StreamEvent[] = [
  ...wanted,
  ...(['retry', 'hold', 'lost', 'give-up', 'caught-up'] as const),
  ...(['left', 'passed', 'opened', 'group-silent', 'group-answers'] as const),
]

test.each(streamStates)('a stream that is %s does what follows each event, and ignores all others', (state) => {
  for (const event of events) expect(nextState(state, event), event).toBe(table[state][event] ?? state)
})

test('a stream that runs always finishes its page before something else is done', () => {
  for (const state of ['opening', 'group-unreachable', 'running', 'retrying', 'held'] as const) {
    for (const event of wanted) expect(nextState(state, event)).toBe(state)
    expect(nextState(state, 'left')).toBe('stopping')
  }
})
