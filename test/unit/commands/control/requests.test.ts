import { expect, test } from 'vitest'
import { progressText, requestsOutput, requestsShape } from '../../../../connector/commands/control/request-output.ts'
import { requestLines } from '../../../../connector/commands/control/requests.ts'
import type { ControlRequest } from '../../../../connector/control/control-document.ts'
import { plainScreen } from '../../../support/screens.ts'

const common = { stream: 'paris', requestedAt: 0, requestedBy: 'operator-1' }
const wanted = { kind: 'clients', keys: ['key1', 'key2'] } as const
const step = { by: 'replica-1', at: 60_000 }
const done = { kind: 'done', ...step } as const

const all: readonly ControlRequest[] = [
  { ...common, id: '1', kind: 'pause', reason: 'works', progress: done },
  ...(
    [
      { kind: 'running', ...step, published: 3, changed: 2, clients: 4, share: 0.25 },
      { kind: 'running', ...step, published: 3, changed: 0, clients: 4, share: null },
      { kind: 'cancelled', by: 'operator-2', at: 60_000 },
      { ...done, outcome: 'complete', published: 1, missing: ['key2'] },
      { ...done, outcome: 'cancelled', published: 0 },
    ] as const
  ).map(
    (progress, at): ControlRequest => ({
      ...common,
      id: String(at + 4),
      kind: 'republish',
      from: null,
      wanted,
      progress,
    }),
  ),
]

test('each request is listed with what became of it, without client ids and keys', () => {
  expect(all.map(progressText)).toEqual([
    'carried out by replica-1 at 1970-01-01T00:01:00Z',
    '25 % 4 clients read, 3 events published, 2 changed clients besides, by replica-1',
    '4 clients read, 3 events published, by replica-1',
    'cancelled by operator-2 at 1970-01-01T00:01:00Z, not confirmed by a replica yet',
    'complete: 1 event published, 1 client not found, by replica-1 at 1970-01-01T00:01:00Z',
    'cancelled: 0 events published, by replica-1 at 1970-01-01T00:01:00Z',
  ])
  const [header, first] = requestLines(all, plainScreen)
  expect(header).toMatch(/^STREAM +REQUEST +ID +REQUESTED +BY +PROGRESS$/)
  expect(first).toMatch(/^paris +pause +1 +1970-01-01T00:00:00Z +operator-1 +carried out/)
  expect(requestLines([], plainScreen)).toEqual(['no requests'])
  const output = JSON.stringify(requestsOutput('shop', all))
  for (const hidden of ['key1', 'key2']) expect(requestLines(all, plainScreen).join() + output).not.toContain(hidden)
})

test('as JSON, each request has the documented shape', () => {
  const { requests } = requestsShape.parse(requestsOutput('shop', all))
  expect(requests.map(({ progress }) => progress.state)).toEqual([
    ...['done', 'running', 'running', 'cancelled', 'done', 'done'],
  ])
  expect(requests[4]).toMatchObject({
    ...{ id: '7', kind: 'republish', from: null, clients: 2, reason: null },
    progress: { outcome: 'complete', published: 1, missing: 1, share: null },
  })
})
