import { describe, expect, test } from 'vitest'
import { type ControlDocument, noRequests } from '../../../connector/control/control-document.ts'
import { lastOf, type NewRequest, pauseOf, recorded, requested } from '../../../connector/control/requests.ts'

const pause = (stream = 'paris'): NewRequest => ({ kind: 'pause', stream, reason: 'maintenance' })
const resume = (stream = 'paris'): NewRequest => ({ kind: 'resume', stream })

/** The document after these requests; their ids are `1`, `2` … and their times are the same numbers. */
const documentOf = (...wanted: NewRequest[]): ControlDocument =>
  wanted.reduce((document, one, index) => {
    const requester = { id: String(index + 1), by: 'operator-1', at: index + 1 }
    return requested(document, one, requester) ?? document
  }, noRequests)

describe('requests of operators', () => {
  test('a pause is in force from the request on, for its stream only', () => {
    const document = documentOf(pause())
    expect(pauseOf(document, 'paris')).toEqual({
      ...{ id: '1', kind: 'pause', stream: 'paris', reason: 'maintenance' },
      ...{ requestedAt: 1, requestedBy: 'operator-1', progress: { kind: 'requested' } },
    })
    expect(pauseOf(document, 'lyon')).toBeUndefined()
  })

  test('the last request of a stream decides', () => {
    expect(pauseOf(documentOf(pause(), resume()), 'paris')).toBeUndefined()
    expect(pauseOf(documentOf(pause(), resume(), pause()), 'paris')).toMatchObject({ id: '3' })
  })

  test('a request for what a stream already is changes nothing', () => {
    const requester = { id: '9', by: 'operator-2', at: 9 }
    expect(requested(documentOf(pause()), pause(), requester)).toBeUndefined()
    expect(requested(noRequests, resume(), requester)).toBeUndefined()
  })

  test('what a replica has carried out is recorded once, with replica and time', () => {
    const document = documentOf(pause(), pause('lyon'))
    const after = recorded(document, new Map([['1', { at: 50 }]]), 'replica-1')
    expect(after && lastOf(after, 'paris')?.progress).toEqual({ kind: 'done', by: 'replica-1', at: 50 })
    expect(after && lastOf(after, 'lyon')?.progress).toEqual({ kind: 'requested' })
    expect(after && recorded(after, new Map([['1', { at: 60 }]]), 'replica-2')).toBeUndefined()
    expect(recorded(document, new Map([['gone', { at: 60 }]]), 'replica-2')).toBeUndefined()
  })

  test('keeps 50 replaced requests as a record, and never drops the last one of a stream', () => {
    const many = Array.from({ length: 40 }, () => [pause('lyon'), resume('lyon')]).flat()
    const { requests } = documentOf(pause(), ...many)
    expect(requests).toHaveLength(52)
    expect(requests[0]).toMatchObject({ id: '1', stream: 'paris' })
    expect(requests.at(-1)).toMatchObject({ id: '81', kind: 'resume' })
  })
})
