import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { groupStatus } from '../../../connector/telemetry/events/replica-events.ts'
import { beforeJoining, groupReport, type ReplicaEvent } from '../../../connector/telemetry/replica-status.ts'
import { unobserved } from '../../../connector/telemetry/stream-status.ts'
import { polling } from '../../support/polling.ts'

const joined = (slots: number[]): ReplicaEvent => ({ kind: 'group-joined', slots, kept: 0, streams: [], tookMs: 1 })
const changed = (gained: string[], lost: string[] = []): ReplicaEvent => ({
  kind: 'assignment-changed',
  streams: gained.length,
  gained,
  lost,
})
const membershipLost: ReplicaEvent = {
  kind: 'membership-lost',
  code: 'publish.unauthorized',
  error: new ConnectorError('publish.unauthorized', 'join group shops'),
}

/** The status after events at 1000, 2000 … */
const statusAfter = (...events: ReplicaEvent[]) =>
  events.reduce((status, event, index) => groupStatus(status, event, 1000 * (index + 1)), beforeJoining('group', 0))
const watched = (stream: string, epoch?: number) => ({ stream, poll: polling, status: { ...unobserved, epoch } })

const at = (now: number) => ({ now, watched: [] })

describe('the group status of a replica', () => {
  test('starts as joining, or as single without a group', () => {
    expect(beforeJoining('group', 5)).toMatchObject({ state: 'joining', stateSince: 5 })
    expect(beforeJoining('single', 5).state).toBe('single')
  })

  test('keeps the start of each assignment through rebalances', () => {
    const status = statusAfter(joined([1]), changed(['a', 'b']), joined([1]), changed(['c'], ['a']))
    expect(status).toMatchObject({ state: 'member', stateSince: 1000, slots: [1] })
    expect([...status.streams]).toEqual([
      ['b', 2000],
      ['c', 4000],
    ])
  })

  test('restarts all assignments when the replica rejoins', () => {
    const status = statusAfter(joined([1]), changed(['a', 'b']), membershipLost, joined([1]), changed(['c'], ['b']))
    expect([...status.streams]).toEqual([
      ['a', 4000],
      ['c', 5000],
    ])
  })

  test('has the failure until the replica has rejoined', () => {
    expect(statusAfter(joined([1]), membershipLost)).toMatchObject({
      state: 'rejoining',
      stateSince: 2000,
      failure: { code: 'publish.unauthorized', error: 'join group shops' },
    })
    expect(statusAfter(joined([1]), membershipLost, joined([2]))).toMatchObject({
      state: 'member',
      failure: undefined,
      slots: [2],
    })
  })

  test('keeps the streams while the membership is lost, and has none after leaving', () => {
    expect([...statusAfter(joined([1]), changed(['a']), membershipLost).streams.keys()]).toEqual(['a'])
    expect(statusAfter(joined([1]), changed(['a']), { kind: 'group-left' })).toMatchObject({ state: 'left', slots: [] })
    expect(statusAfter(joined([1]), changed(['a']), { kind: 'group-left' }).streams.size).toBe(0)
  })

  test('is reported with the epochs of its streams', () => {
    const report = groupReport(statusAfter(joined([1, 5]), changed(['a', 'b'])), {
      ...at(5000),
      watched: [watched('a', 7), watched('b'), watched('c')],
    })
    expect(report).toEqual({
      state: 'member',
      secondsInState: 4,
      slots: [1, 5],
      streams: [
        { stream: 'a', assignedSeconds: 3, epoch: 7 },
        { stream: 'b', assignedSeconds: 3 },
      ],
    })
    expect(groupReport(statusAfter(membershipLost), at(5000))).toMatchObject({
      code: 'publish.unauthorized',
      hint: expect.any(String),
    })
  })
})
