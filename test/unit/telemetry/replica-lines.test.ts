import { expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { replicaLine } from '../../../connector/telemetry/replica-lines.ts'
import { everyReplicaEvent } from '../../support/every-replica-event.ts'

const unreachable = new ConnectorError('publish.unreachable', 'join group shops')
const refused = new ConnectorError('publish.unauthorized', 'join group shops: the ACL READ on group shops is missing')
const kindsAt = (level: string) =>
  everyReplicaEvent(unreachable)
    .filter((event) => replicaLine(event).level === level)
    .map(({ kind }) => kind)

test('info is for streams that move and a group that holds again; a joining that moves none is no news', () => {
  expect(kindsAt('info')).toEqual(['group-rebuilt', 'group-left', 'assignment-changed', 'stream-let-go'])
  expect(kindsAt('debug')).toEqual(['group-joined', 'group-seen'])
  expect(kindsAt('warn')).toEqual(['session-expired', 'group-broken', 'stream-contested'])
})

test('what an operator has to do to get into the group is an error with its code and hint', () => {
  expect(replicaLine({ kind: 'group-broken', code: 'publish.unauthorized', error: refused })).toMatchObject({
    level: 'error',
    fields: {
      code: 'publish.unauthorized',
      error: expect.stringContaining('READ on group shops'),
      hint: expect.stringContaining('ACL'),
    },
  })
})

test('a replica that has no stream says that it stands by', () => {
  const event = { kind: 'assignment-changed', streams: 0, gained: [], lost: ['shop'] } as const
  expect(replicaLine(event)).toMatchObject({
    message: expect.stringContaining('standing by'),
    fields: { lost: ['shop'] },
  })
  expect(replicaLine({ ...event, streams: 1 }).message).toBe('streams assigned')
})
