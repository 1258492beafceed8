import { describe, expect, it } from 'vitest'
import type { PlacementEvent } from '../../../connector/placement/placement-event.ts'
import { troubleLog } from '../../../connector/placement/trouble-log.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

function scene() {
  const clock = virtualClock(0)
  const events: PlacementEvent[] = []
  return { clock, events, log: troubleLog({ clock, observe: (event) => events.push(event) }) }
}

const unreachable = (how: string) => new ConnectorError('publish.unreachable', how)
const unauthorized = (acl: string) => new ConnectorError('publish.unauthorized', `the ACL ${acl} is missing`)

describe('the trouble of a group', () => {
  it('is told once however it varies when it passes by itself', () => {
    const { events, log } = scene()
    expect([log.happened(unreachable('one')), log.happened(unreachable('other'))]).toEqual([1, 2])
    expect(events).toMatchObject([{ kind: 'group-broken', code: 'publish.unreachable' }])
  })

  it('is told once for each thing that an operator has to do', () => {
    const { events, log } = scene()
    for (const acl of ['x', 'y', 'x', 'y']) log.happened(unauthorized(acl))
    expect(events).toMatchObject([{ error: unauthorized('x') }, { error: unauthorized('y') }])
  })

  it('ends with the number of its tries and how long it took, and is news again afterwards', () => {
    const { clock, events, log } = scene()
    log.ended()
    log.happened(unreachable('one'))
    clock.pass(3_000)
    log.happened(unreachable('one'))
    log.ended()
    log.ended()
    log.happened(unreachable('one'))
    expect(events.map(({ kind }) => kind)).toEqual(['group-broken', 'group-rebuilt', 'group-broken'])
    expect(events[1]).toEqual({ kind: 'group-rebuilt', tries: 2, tookMs: 3_000 })
  })
})
