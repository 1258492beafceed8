import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import {
  beforeJoining,
  groupReport,
  groupStatus,
  movedAway,
  type ReplicaEvent,
} from '../../../connector/telemetry/group-status.ts'
import { unobserved } from '../../../connector/telemetry/stream-status.ts'

const joined = (slots: number[]): ReplicaEvent => ({ kind: 'group-joined', slots, kept: 0, streams: [], tookMs: 1 })
const changed = (gained: string[], lost: string[] = []): ReplicaEvent => ({
  ...{ kind: 'assignment-changed', streams: gained.length, gained, lost },
})
const seen = (...shares: [replica: string, streams: string[]][]): ReplicaEvent => ({
  kind: 'group-seen',
  members: shares.map(([replica, streams]) => ({ replica, host: '::1', slots: [1], streams })),
})
const broken: ReplicaEvent = {
  ...{ kind: 'group-broken', code: 'publish.unauthorized' },
  error: new ConnectorError('publish.unauthorized', 'join group shops'),
}

/** The status after events at 1000, 2000 … */
const told = (...events: ReplicaEvent[]) =>
  events.reduce((status, event, index) => groupStatus(status, event, 1000 * (index + 1)), beforeJoining('group', 0))
const watched = (stream: string, epoch?: number) => ({ stream, pollIntervalMs: 5, status: { ...unobserved, epoch } })

describe('what a replica knows of the group', () => {
  test('is nothing before it has joined, and that there is none where it is single', () => {
    expect(beforeJoining('group', 5)).toMatchObject({ state: 'joining', stateSince: 5 })
    expect(beforeJoining('single', 5).state).toBe('single')
  })

  test('is since when each of its streams is assigned to it, however often the group is shared out anew', () => {
    const status = told(joined([1]), changed(['a', 'b']), joined([1]), changed(['c'], ['a']))
    expect(status).toMatchObject({ state: 'member', stateSince: 1000, slots: [1] })
    expect([...status.streams]).toEqual([
      ['b', 2000],
      ['c', 4000],
    ])
  })

  test('is that its streams are its own from now on when it was out of the group', () => {
    const silent: ReplicaEvent = { kind: 'session-expired', silentMs: 7000 }
    const status = told(joined([1]), changed(['a', 'b']), silent, joined([1]), changed(['c'], ['b']))
    expect([...status.streams]).toEqual([
      ['a', 4000],
      ['c', 5000],
    ])
  })

  test('is why it is not in the group, until it has joined again', () => {
    expect(told(joined([1]), broken)).toMatchObject({
      state: 'broken',
      stateSince: 2000,
      trouble: 'publish.unauthorized',
    })
    expect(told(joined([1]), broken, joined([2]))).toMatchObject({ state: 'member', trouble: undefined, slots: [2] })
    expect(told(joined([1]), { kind: 'session-expired', silentMs: 7000 }).state).toBe('silent')
  })

  test('keeps the streams while the group is broken or silent, and has none once it has left', () => {
    expect([...told(joined([1]), changed(['a']), broken).streams.keys()]).toEqual(['a'])
    expect(told(joined([1]), changed(['a']), { kind: 'group-left' })).toMatchObject({ state: 'left', slots: [] })
    expect(told(joined([1]), changed(['a']), { kind: 'group-left' }).streams.size).toBe(0)
  })

  test('is reported with the epochs of its streams, and with the streams that are elsewhere, nobody knows where', () => {
    const report = groupReport(
      told(joined([1, 5]), changed(['a', 'b'])),
      [watched('a', 7), watched('b'), watched('c')],
      5000,
    )
    expect(report).toEqual({
      ...{ state: 'member', secondsInState: 4, slots: [1, 5], replicas: [] },
      elsewhere: [{ stream: 'c', replica: null }],
      streams: [
        { stream: 'a', assignedSeconds: 3, epoch: 7 },
        { stream: 'b', assignedSeconds: 3 },
      ],
    })
    expect(groupReport(told(broken), [], 5000)).toMatchObject({
      code: 'publish.unauthorized',
      hint: expect.any(String),
    })
  })
})

describe('what the group says of the others', () => {
  const streams = ['a', 'b', 'c', 'd'].map((stream) => watched(stream))
  const shared = [joined([1]), changed(['a']), seen(['me', ['a']], ['other', ['b', 'c']])]

  test('is who runs what, and since when it was seen so, however often the group is shared out anew', () => {
    const status = told(...shared, seen(['me', ['a']], ['other', ['b']], ['third', ['c']]))
    const { elsewhere, replicas } = groupReport(status, streams, 9000)
    expect(elsewhere).toEqual([
      { stream: 'b', replica: 'other', seenSeconds: 6 },
      { stream: 'c', replica: 'third', seenSeconds: 5 },
      { stream: 'd', replica: null },
    ])
    expect(replicas).toEqual([
      { replica: 'me', host: '::1', streams: ['a'] },
      { replica: 'other', host: '::1', streams: ['b'] },
      { replica: 'third', host: '::1', streams: ['c'] },
    ])
  })

  test('is nothing any more once this replica has left', () => {
    const { elsewhere, replicas } = groupReport(told(...shared, { kind: 'group-left' }), streams, 9000)
    expect(elsewhere.map(({ replica }) => replica)).toEqual([null, null, null, null])
    expect(replicas).toEqual([])
  })
})

test('a stream that is assigned elsewhere has moved away once it does not run here any more', () => {
  const away = (event: ReplicaEvent) => movedAway(event, (stream) => stream === 'running')
  expect(away(changed([], ['running', 'stopped']))).toEqual(['stopped'])
  expect(away({ kind: 'stream-let-go', stream: 'running', tookMs: 5 })).toEqual(['running'])
  expect(away(joined([1]))).toEqual([])
})
