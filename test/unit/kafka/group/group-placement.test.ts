import { describe, expect, test } from 'vitest'
import { membershipFailures } from '../../../../connector/kafka/group/group-placement.ts'
import type { PlacementEvent } from '../../../../connector/placement/placement.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

// Failures of a membership are reported on a virtual clock, without a group.

function setUp() {
  const clock = virtualClock(0)
  const events: PlacementEvent[] = []
  return { clock, events, failures: membershipFailures({ clock, observe: (event) => events.push(event) }) }
}

const unreachable = (how: string) => new ConnectorError('publish.failed', how)
const unauthorized = (acl: string) => new ConnectorError('publish.unauthorized', `the ACL ${acl} is missing`)

describe('membershipFailures', () => {
  test('reports a transient failure at the second attempt, once, even if its message changes', () => {
    const { events, failures } = setUp()
    expect(failures.countFailure(unreachable('one'))).toBe(1)
    expect(events).toEqual([])
    for (const how of ['other', 'third']) failures.countFailure(unreachable(how))
    expect(events).toMatchObject([{ kind: 'membership-lost', code: 'publish.failed' }])
  })

  test('says nothing of a transient failure that the second attempt cures', () => {
    const { events, failures } = setUp()
    failures.countFailure(unreachable('one'))
    failures.onJoined()
    expect(events).toEqual([])
  })

  test('reports the recovery with attempts and duration, and reports a later failure again', () => {
    const { clock, events, failures } = setUp()
    failures.countFailure(unauthorized('x'))
    clock.pass(3_000)
    failures.countFailure(unreachable('one'))
    failures.onJoined()
    failures.onJoined()
    failures.countFailure(unauthorized('x'))
    expect(events.map(({ kind }) => kind)).toEqual([
      'membership-lost',
      'membership-lost',
      'membership-restored',
      'membership-lost',
    ])
    expect(events[2]).toEqual({ kind: 'membership-restored', attempts: 2, tookMs: 3_000 })
  })
})
