import { describe, expect, test } from 'vitest'
import {
  type ControlDocument,
  noRequests,
  parseControl,
  serializeControl,
} from '../../../connector/control/control-document.ts'
import {
  cancelled,
  type NewRequest,
  openRequests,
  recorded,
  requested,
  withProgress,
} from '../../../connector/control/requests.ts'
import { watchedRequests } from '../../../connector/control/watched-requests.ts'
import { createChanges } from '../../../connector/runtime/changes.ts'

const wanted = { kind: 'all', maxPerSecond: 100 } as const
const republish: NewRequest = { kind: 'republish', stream: 'paris', from: null, wanted }
const progress = { id: '1', published: 5, changed: 1, clients: 10, share: 0.5 }
const replica = { by: 'replica-1', at: 50 }
const operator = { by: 'operator-2', at: 60 }

/** The document after two such requests of one stream. */
function twoRequests(): ControlDocument {
  const add = (document: ControlDocument, id: string) =>
    requested(document, republish, { id, by: 'operator-1', at: 1 }) ?? document
  return parseControl(serializeControl(add(add(noRequests, '1'), '2')))
}

const running = () => must(withProgress(twoRequests(), new Map([['1', progress]]), replica))
const progressOf = ({ requests }: ControlDocument) => requests.map((request) => request.progress)
function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('nothing has changed')
  return value
}

describe('a request to publish again', () => {
  test('is open until it is complete, one after the other', () => {
    expect(openRequests(twoRequests(), 'paris').map(({ id }) => id)).toEqual(['1', '2'])
    expect(openRequests(running(), 'paris').map(({ id }) => id)).toEqual(['1', '2'])
    expect(openRequests(running(), 'lyon')).toEqual([])
    const ending = { at: 70, outcome: 'complete' as const, published: 9, missing: ['AAAAAAAAAAA'] }
    const after = must(recorded(running(), new Map([['1', ending]]), 'replica-1'))
    expect(openRequests(after, 'paris').map(({ id }) => id)).toEqual(['2'])
    expect(progressOf(after)[0]).toEqual({ kind: 'done', by: 'replica-1', ...ending })
  })

  test('shows how far it is, and changes the document only if that is new', () => {
    expect(progressOf(running())).toEqual([
      { kind: 'running', ...replica, published: 5, changed: 1, clients: 10, share: 0.5 },
      { kind: 'requested' },
    ])
    expect(withProgress(running(), new Map([['1', progress]]), { ...replica, at: 99 })).toBeUndefined()
    expect(withProgress(running(), new Map([['1', { ...progress, clients: 11 }]]), replica)).toBeDefined()
    expect(withProgress(noRequests, new Map([['1', progress]]), replica)).toBeUndefined()
  })

  test('that is cancelled is open no longer, and the replica records what it had published', () => {
    const document = must(cancelled(running(), '1', operator))
    expect(progressOf(document)[0]).toEqual({ kind: 'cancelled', ...operator })
    expect(openRequests(document, 'paris').map(({ id }) => id)).toEqual(['2'])
    expect(withProgress(document, new Map([['1', progress]]), replica)).toBeUndefined()
    const ended = new Map([['1', { at: 70, outcome: 'cancelled' as const, published: 5 }]])
    expect(progressOf(must(recorded(document, ended, 'replica-1')))[0]).toMatchObject({ kind: 'done', published: 5 })
  })

  test('cannot be cancelled once it has ended, nor can other requests', () => {
    const document = must(cancelled(twoRequests(), '2', operator))
    expect(progressOf(document)[1]).toEqual({ kind: 'cancelled', ...operator })
    expect(cancelled(document, '2', operator)).toBeUndefined()
    expect(cancelled(document, 'other', operator)).toBeUndefined()
    const paused = must(
      requested(noRequests, { kind: 'pause', stream: 'paris', reason: 'test' }, { id: '3', by: 'operator', at: 1 }),
    )
    expect(cancelled(paused, '3', operator)).toBeUndefined()
  })

  test('is known to its stream as cancelled, carried out or gone once the requests are known', () => {
    let current: ControlDocument | undefined
    const reported: string[] = []
    const requests = watchedRequests(
      {
        ...{ until: createChanges().until, since: () => () => current, progressed: () => {}, current: () => current },
        carriedOut: ({ id }) => void reported.push(id),
      },
      'paris',
    )
    current = running()
    expect([requests.open(), requests.cancelled(), requests.isRecorded('gone')]).toEqual([[], [], false])
    requests.opened()
    expect([requests.open().length, requests.isRecorded('gone')]).toEqual([2, true])
    expect([requests.cancelled(), requests.isRecorded('1')]).toEqual([[], false])
    current = cancelled(current, '1', operator)
    const ofOne = [{ id: '1', kind: 'republish' }]
    expect([requests.cancelled(), requests.isRecorded('1')]).toEqual([ofOne, false])
    requests.carriedOut([{ id: '1', outcome: 'cancelled', published: 5 }, { id: 'gone' }])
    expect(reported).toEqual(['1'])
    current = noRequests
    expect([requests.cancelled(), requests.isRecorded('1')]).toEqual([[], true])
  })
})
