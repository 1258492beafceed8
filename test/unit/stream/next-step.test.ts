import { expect, test } from 'vitest'
import { type NextStep, nextStep, type Situation, type TryOutcome } from '../../../connector/stream/next-step.ts'

// One row for each outcome of a try, one column for each situation: the compiler asks for a new row or column.

type Column = 'waits' | 'waits, paused' | 'waits, leaving' | 'ends' | 'ends, paused'
type Row = Exclude<TryOutcome['kind'], 'failed'> | `failed: ${'retry' | 'hold' | 'fenced'}`

const situations: Record<Column, Situation> = {
  waits: { whenHeld: 'waits', isPaused: false, isLeaving: false },
  'waits, paused': { whenHeld: 'waits', isPaused: true, isLeaving: false },
  'waits, leaving': { whenHeld: 'waits', isPaused: false, isLeaving: true },
  ends: { whenHeld: 'ends', isPaused: false, isLeaving: false },
  'ends, paused': { whenHeld: 'ends', isPaused: true, isLeaving: false },
}
const failed = (kind: 'retry' | 'hold' | 'fenced'): TryOutcome => {
  return { kind: 'failed', failure: { kind, error: 'x', pauseMs: 1, times: 1, isRepeated: false } }
}
const outcomes: Record<Row, TryOutcome> = {
  stopped: { kind: 'stopped' },
  'caught-up': { kind: 'caught-up' },
  paused: { kind: 'paused' },
  'failed: retry': failed('retry'),
  'failed: hold': failed('hold'),
  'failed: fenced': failed('fenced'),
}

/** The state that is entered, and what is waited for; `-` keeps the state. */
const text = (step: NextStep) =>
  `${step.state ?? '-'}, ${step.kind === 'end' ? `ends as ${step.end.kind}` : `waits for ${step.after}`}`

const columns = Object.keys(situations) as readonly Column[]
const expected: Record<Row, readonly string[]> = {
  stopped: [
    'opening, waits for nothing',
    '-, waits for nothing',
    '-, waits for nothing',
    'opening, waits for nothing',
    '-, waits for nothing',
  ],
  'caught-up': columns.map(() => '-, ends as caught-up'),
  paused: [
    'paused, waits for wishes',
    'paused, waits for wishes',
    'paused, waits for wishes',
    'paused, ends as paused',
    'paused, ends as paused',
  ],
  'failed: retry': [
    'retrying, waits for assignment',
    'paused, waits for change',
    'retrying, waits for assignment',
    'retrying, waits for assignment',
    'paused, waits for change',
  ],
  'failed: hold': [
    'held, waits for change',
    'paused, waits for change',
    'held, waits for change',
    'ended, ends as held',
    'ended, ends as held',
  ],
  'failed: fenced': columns.map(() => 'retrying, waits for assignment'),
}

test.each(Object.entries(outcomes))('a try that ends as %s is followed by the step of the table', (row, outcome) => {
  expect(columns.map((column) => text(nextStep(outcome, situations[column])))).toEqual(expected[row as Row])
})
