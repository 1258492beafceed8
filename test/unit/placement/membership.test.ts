import { describe, expect, it } from 'vitest'
import { createMembership } from '../../../connector/placement/membership.ts'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'

const { sessionTimeoutMs, rebalanceTimeoutMs } = groupDefaults

function joinedAt(heardAt: number) {
  const clock = virtualClock(heardAt)
  const membership = createMembership(clock)
  membership.joined({ slots: [1], streams: new Set(['a']), heardAt })
  return { clock, membership }
}

describe('a membership', () => {
  it('is expired and has no streams before the first assignment', () => {
    const membership = createMembership(virtualClock(0))
    expect([membership.has('a'), membership.isExpired()]).toEqual([false, true])
    expect(membership.hasJustExpired()).toBe(false)
  })

  it('expires when the group has answered no request sent within the session timeout', () => {
    const { clock, membership } = joinedAt(1_000)
    clock.pass(sessionTimeoutMs)
    expect(membership.isExpired()).toBe(false)
    clock.pass(1)
    expect(membership.isExpired()).toBe(true)
    expect(membership.has('a')).toBe(true)
    membership.heard(clock.monotonic() - 200)
    expect(membership.isExpired()).toBe(false)
    clock.pass(sessionTimeoutMs - 199)
    expect(membership.isExpired()).toBe(true)
  })

  it('reports its streams as here until it expires, and other streams as elsewhere', () => {
    const { clock, membership } = joinedAt(0)
    expect([membership.assignmentOf('a'), membership.assignmentOf('b')]).toEqual(['here', 'elsewhere'])
    clock.pass(sessionTimeoutMs + 1)
    expect([membership.assignmentOf('a'), membership.assignmentOf('b')]).toEqual(['unknown', 'elsewhere'])
    membership.left()
    expect(membership.assignmentOf('a')).toBe('elsewhere')
  })

  it('reports each expiry once', () => {
    const { clock, membership } = joinedAt(0)
    const reported: boolean[] = []
    for (let silence = 0; silence < 2; silence += 1) {
      clock.pass(sessionTimeoutMs + 1)
      reported.push(membership.hasJustExpired(), membership.hasJustExpired())
      membership.heard(clock.monotonic())
    }
    expect(reported).toEqual([true, false, true, false])
  })

  it('expires later during a rebalance, when no heartbeats are sent', () => {
    const { clock, membership } = joinedAt(0)
    membership.rebalancing()
    clock.pass(sessionTimeoutMs + rebalanceTimeoutMs)
    expect(membership.isExpired()).toBe(false)
    clock.pass(1)
    expect(membership.isExpired()).toBe(true)
  })

  it.each(['joined', 'lost'] as const)('uses the session timeout again after the rebalance (%s)', (how) => {
    const { clock, membership } = joinedAt(0)
    membership.rebalancing()
    if (how === 'joined') membership.joined({ slots: [1], streams: new Set(['a']), heardAt: 0 })
    else membership.lost()
    clock.pass(sessionTimeoutMs + 1)
    expect(membership.isExpired()).toBe(true)
  })

  it('that expired before a rebalance stays expired until it has joined', () => {
    const { clock, membership } = joinedAt(0)
    clock.pass(sessionTimeoutMs + 1)
    membership.rebalancing()
    expect(membership.isExpired()).toBe(true)
    membership.joined({ slots: [2], streams: new Set(['b']), heardAt: clock.monotonic() })
    expect([membership.isExpired(), membership.has('a'), membership.has('b')]).toEqual([false, false, true])
  })

  it('has no streams after leaving', () => {
    const { membership } = joinedAt(0)
    membership.left()
    expect([membership.has('a'), membership.slots(), membership.isExpired()]).toEqual([false, [], true])
  })
})
