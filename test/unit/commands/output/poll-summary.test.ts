import { expect, test } from 'vitest'
import {
  pollCounter,
  pollLines,
  pollResult,
  pollShape,
  unreadPoll,
} from '../../../../connector/commands/output/poll-summary.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { everyPipelineEvent, published } from '../../../support/every-pipeline-event.ts'
import { plainScreen } from '../../../support/screens.ts'

const counts = { read: 12, published: 5, suppressed: 4, superseded: 2, deadLetters: 1 }
const error = new ConnectorError('source.stuck', 'read')
const polls = [
  pollResult('paris', { kind: 'caught-up' }, { counts, tookMs: 1234.5 }),
  pollResult('lyon', { kind: 'failed', error }, { counts, tookMs: 250 }),
  pollResult('nice', { kind: 'lost', error: new TypeError('x') }, { counts, tookMs: 125_000 }),
  pollResult('lille', { kind: 'stopped' }, { counts, tookMs: 0 }),
  unreadPoll('nantes', 'skipped'),
]

test('the summary has a row for each stream, with its result, counts and duration', () => {
  expect(pollLines(polls, plainScreen)).toEqual([
    'STREAM  RESULT                           READ  PUBLISHED  SUPPRESSED  SUPERSEDED  DEAD LETTERS  TOOK',
    'paris   caught up                        12    5          4           2           1             1.2 s',
    'lyon    failed: source.stuck             12    5          4           2           1             250 ms',
    'nice    lost to another process: bug     12    5          4           2           1             2 min 5 s',
    'lille   stopped before it was caught up  12    5          4           2           1             0 ms',
    'nantes  skipped                          0     0          0           0           0             0 ms',
  ])
})

test('the JSON of a summary has its declared shape', () => {
  expect(pollShape.parse({ streams: polls }).streams[1]).toEqual({
    ...{ stream: 'lyon', end: 'failed', code: 'source.stuck', ...counts, tookMs: 250 },
  })
})

test('counts the clients of all scans', () => {
  const counter = pollCounter()
  for (const event of everyPipelineEvent(error)) {
    if (event.kind === 'page-read') counter.add({ ...event, clients: 7 })
    else if (event.kind !== 'pages-published') counter.add(event)
  }
  counter.add(published({ events: 1, suppressed: 2, superseded: 3 }, { deadLetters: 4 }))
  counter.add(published({ events: 10, suppressed: 20, superseded: 30 }))
  expect(counter.counts()).toEqual({ read: 7, published: 11, suppressed: 22, superseded: 33, deadLetters: 4 })
})
