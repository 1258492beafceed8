import { expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { rowOfReplicaEvent } from '../../../connector/telemetry/events/event-observers.ts'
import type { ReplicaEvent } from '../../../connector/telemetry/replica-status.ts'
import { everyReplicaEvent } from '../../support/every-replica-event.ts'

const unreachable = new ConnectorError('publish.failed', 'join group shops')
const refused = new ConnectorError('publish.unauthorized', 'join group shops: the ACL READ on group shops is missing')
const replicaLine = (event: ReplicaEvent) => rowOfReplicaEvent(event).log?.(event)
const kindsAt = (level: string) =>
  everyReplicaEvent(unreachable)
    .filter((event) => replicaLine(event)?.level === level)
    .map(({ kind }) => kind)

test('logs at info when streams move or wait to be opened, or the membership is restored, and at debug when a join moves no stream', () => {
  expect(kindsAt('info')).toEqual(['membership-restored', 'group-left', 'assignment-changed'])
  expect(kindsAt('debug')).toEqual(['group-joined'])
  expect(kindsAt('warn')).toEqual(['membership-lost'])
})

test('logs at error with code and hint when joining the group needs an operator', () => {
  expect(replicaLine({ kind: 'membership-lost', code: 'publish.unauthorized', error: refused })).toMatchObject({
    level: 'error',
    fields: {
      code: 'publish.unauthorized',
      error: expect.stringContaining('READ on group shops'),
      hint: expect.stringContaining('ACL'),
    },
  })
})
