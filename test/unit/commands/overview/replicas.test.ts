import { describe, expect, test } from 'vitest'
import type { CheckpointDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import type { FoundCheckpoint } from '../../../../connector/commands/overview/find-streams.ts'
import { describedReplicas, replicaLines } from '../../../../connector/commands/overview/replicas.ts'
import { type ControlDocument, noRequests } from '../../../../connector/control/control-document.ts'
import { recorded, requested } from '../../../../connector/control/requests.ts'
import type { GroupView } from '../../../../connector/placement/placement.ts'
import { plainScreen } from '../../../support/screens.ts'

const at = Date.UTC(2026, 10, 25, 9, 30)
type FoundClaim = FoundCheckpoint<Pick<CheckpointDocument, 'claim'>>
const claimed = (owner: string, epoch = 3): FoundClaim => ({
  kind: 'document',
  document: { claim: { owner, epoch, at } },
})
const member = (replica: string, streams: string[], slots = [1, 2]) => ({ replica, host: '10.0.0.7', slots, streams })
const group = (...members: GroupView['members']): GroupView => ({ state: 'Stable', slots: 24, members })

const reportOf = (group: GroupView | null, claims: ReadonlyMap<string, FoundClaim>, document = noRequests) =>
  describedReplicas('shops', { group, checkpoints: claims, control: { document } })

const remarks = (view: GroupView | null, claims: Record<string, FoundClaim>) =>
  reportOf(view, new Map(Object.entries(claims))).streams.map(({ remark }) => remark)

describe('the report of streams and replicas', () => {
  test('names the assigned replica, and the claim with owner, epoch and time', () => {
    const view = group(member('r-1', ['paris']))
    expect(reportOf(view, new Map([['paris', claimed('r-1', 7)]]))).toEqual({
      ...{ connector: 'shops', group: view },
      streams: [
        { stream: 'paris', assignedTo: 'r-1', claim: { owner: 'r-1', epoch: 7, since: '2026-11-25T09:30:00.000Z' } },
      ],
    })
  })

  test('says that no replica runs a stream when none has its slot, whether or not it was opened before', () => {
    expect(remarks(group(), { paris: claimed('r-1') })).toEqual(['no replica runs it'])
    expect(remarks(group(member('r-1', [])), { paris: { kind: 'none' } })).toEqual(['no replica runs it'])
  })

  test('says that the group is rebalancing when a stream is unassigned meanwhile', () => {
    expect(remarks({ ...group(member('r-1', [])), state: 'PreparingRebalance' }, { paris: claimed('r-1') })).toEqual([
      'group is rebalancing',
    ])
  })

  test('says that the assigned replica has not opened the stream yet', () => {
    const view = group(member('r-1', ['paris', 'lyon']))
    expect(remarks(view, { paris: claimed('r-2'), lyon: { kind: 'none' } })).toEqual([
      'not opened by this replica yet',
      'not opened yet',
    ])
  })

  test('names the error code when a checkpoint cannot be read', () => {
    expect(
      remarks(group(member('r-1', ['paris'])), { paris: { kind: 'unreadable', code: 'checkpoint.damaged' } }),
    ).toEqual(['checkpoint cannot be read: checkpoint.damaged'])
  })

  test('says that a stream is paused, and whether a replica has carried that out', () => {
    const view = group(member('r-1', ['paris']))
    const request = { kind: 'pause', stream: 'paris', reason: 'maintenance' } as const
    const asked = requested(noRequests, request, { id: '1', by: 'operator-1', at }) ?? noRequests
    const done = recorded(asked, new Map([['1', { at }]]), 'r-1') ?? noRequests
    const remarksWith = (group: GroupView | null, document: ControlDocument) =>
      reportOf(group, new Map([['paris', claimed('r-9')]]), document).streams.map(({ remark }) => remark)
    expect(remarksWith(view, asked)).toEqual(['pause requested: maintenance'])
    expect(remarksWith(view, done)).toEqual(['paused: maintenance'])
    expect(remarksWith(null, done)).toEqual(['paused: maintenance'])
    expect(remarksWith(group(), done)).toEqual(['paused: maintenance; no replica runs it'])
  })

  test('says that a stream is held, as the replica reports that has it', () => {
    const trouble = { state: 'held', code: 'source.certificate', since: at, by: 'r-1' }
    const document = { ...noRequests, streams: { paris: { trouble } } }
    const remarksWith = (group: GroupView | null) =>
      reportOf(group, new Map([['paris', claimed('r-2')]]), document).streams.map(({ remark }) => remark)
    const held = 'held since 2026-11-25T09:30:00Z: source.certificate'
    expect(remarksWith(group(member('r-1', ['paris'])))).toEqual([held])
    expect(remarksWith(null)).toEqual([held])
    expect(remarksWith(group(member('r-2', ['paris'])))).toEqual([undefined])
    expect(remarksWith(group())).toEqual(['no replica runs it'])
  })

  test('uses the checkpoints alone when there is no group', () => {
    expect(remarks(null, { paris: claimed('r-1'), lyon: { kind: 'none' } })).toEqual([undefined, 'never opened'])
  })
})

test('the report prints as two tables', () => {
  const view = group(member('r-1', ['paris', 'lyon']), member('r-22', []))
  const claims = new Map([
    ['paris', claimed('r-1')],
    ['lyon', claimed('r-22', 12)],
    ['nice', { kind: 'none' } as const],
  ])
  expect(replicaLines(reportOf(view, claims), plainScreen)).toEqual([
    'group shops: stable, 2 replicas, 24 slots',
    'REPLICA  HOST      SLOTS  STREAMS',
    'r-1      10.0.0.7  2      paris, lyon',
    'r-22     10.0.0.7  2      – (standby)',
    '',
    'STREAM  ASSIGNED TO  OPENED BY  EPOCH  SINCE',
    'paris   r-1          r-1        3      2026-11-25T09:30:00.000Z',
    'lyon    r-1          r-22       12     2026-11-25T09:30:00.000Z  not opened by this replica yet',
    'nice    –            –          –      –                         no replica runs it',
  ])
  expect(replicaLines(reportOf(null, new Map()), plainScreen)[0]).toBe(
    'connector shops: PLACEMENT=single, no consumer group',
  )
})

test('the report says below the tables that the control object cannot be read', () => {
  const control = { document: noRequests, unreadable: 'control.damaged' } as const
  const report = describedReplicas('shops', { group: group(member('r-1', ['paris'])), checkpoints: new Map(), control })
  expect(replicaLines(report, plainScreen).at(-1)).toBe(
    'control object cannot be read: control.damaged → run polaris-connector doctor',
  )
})

test.each([
  ['Stable', 1, 'stable, 1 replica, 24 slots'],
  ['CompletingRebalance', 1, 'rebalancing, 1 replica, 24 slots'],
  ['Empty', 0, 'no replica is running'],
  ['Dead', 0, 'no replica is running'],
])('the report says what the state %s of a group with %d replicas means', (state, replicas, text) => {
  const view = { ...group(...Array.from({ length: replicas }, () => member('r-1', []))), state }
  expect(replicaLines(reportOf(view, new Map()), plainScreen)[0]).toBe(`group shops: ${text}`)
})
