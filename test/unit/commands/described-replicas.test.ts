import { describe, expect, test } from 'vitest'
import { describedReplicas, type FoundClaim, replicaLines } from '../../../connector/commands/described-replicas.ts'
import type { GroupView } from '../../../connector/placement/group-view.ts'

const at = Date.UTC(2026, 10, 25, 9, 30)
const claimed = (owner: string, epoch = 3): FoundClaim => ({ kind: 'claim', claim: { owner, epoch, at } })
const member = (replica: string, streams: string[], slots = [1, 2]) => ({ replica, host: '10.0.0.7', slots, streams })
const group = (...members: GroupView['members']): GroupView => ({ state: 'Stable', slots: 24, members })

const remarks = (view: GroupView | null, claims: Record<string, FoundClaim>) =>
  describedReplicas('shops', view, new Map(Object.entries(claims))).streams.map(({ remark }) => remark)

describe('who runs what', () => {
  test('is whose slot it is, who opened it, under which epoch and since when', () => {
    const view = group(member('r-1', ['paris']))
    expect(describedReplicas('shops', view, new Map([['paris', claimed('r-1', 7)]]))).toEqual({
      ...{ connector: 'shops', group: view },
      streams: [
        { stream: 'paris', assignedTo: 'r-1', claim: { owner: 'r-1', epoch: 7, since: '2026-11-25T09:30:00.000Z' } },
      ],
    })
  })

  test('is said to be nobody where no replica has the slot, whoever opened the stream last', () => {
    expect(remarks(group(), { paris: claimed('r-1') })).toEqual(['nobody runs it'])
    expect(remarks(group(member('r-1', [])), { paris: { kind: 'none' } })).toEqual(['nobody runs it'])
  })

  test('is not known while the group is shared out anew', () => {
    expect(remarks({ ...group(member('r-1', [])), state: 'PreparingRebalance' }, { paris: claimed('r-1') })).toEqual([
      'being shared out at the moment',
    ])
  })

  test('is told apart from who has it assigned and has not opened it', () => {
    const view = group(member('r-1', ['paris', 'lyon']))
    expect(remarks(view, { paris: claimed('r-2'), lyon: { kind: 'none' } })).toEqual([
      'not opened by this replica yet',
      'not opened yet',
    ])
  })

  test('is told as far as it can be where a checkpoint cannot be read', () => {
    expect(
      remarks(group(member('r-1', ['paris'])), { paris: { kind: 'unreadable', code: 'checkpoint.damaged' } }),
    ).toEqual(['its checkpoint cannot be read: checkpoint.damaged'])
  })

  test('is known by the checkpoints alone where there is no group', () => {
    expect(remarks(null, { paris: claimed('r-1'), lyon: { kind: 'none' } })).toEqual([undefined, 'never opened'])
  })
})

test('a person reads a table', () => {
  const view = group(member('r-1', ['paris', 'lyon']), member('r-22', []))
  const claims = new Map([
    ['paris', claimed('r-1')],
    ['lyon', claimed('r-22', 12)],
    ['nice', { kind: 'none' } as const],
  ])
  expect(replicaLines(describedReplicas('shops', view, claims))).toEqual([
    'group shops: Stable, 2 replicas, 24 slots',
    'REPLICA  HOST      SLOTS  STREAMS',
    'r-1      10.0.0.7  2      paris, lyon',
    'r-22     10.0.0.7  2      – (standby)',
    '',
    'STREAM  ASSIGNED TO  OPENED BY  EPOCH  SINCE',
    'paris   r-1          r-1        3      2026-11-25T09:30:00.000Z',
    'lyon    r-1          r-22       12     2026-11-25T09:30:00.000Z  not opened by this replica yet',
    'nice    –            –          –      –                         nobody runs it',
  ])
  expect(replicaLines(describedReplicas('shops', null, new Map()))[0]).toBe(
    'connector shops: PLACEMENT=single, no group',
  )
})
