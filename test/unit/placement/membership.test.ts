import { describe, expect, it } from 'vitest'
import { createMembership } from '../../../connector/placement/membership.ts'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const { sessionTimeoutMs, rebalanceTimeoutMs } = groupDefaults

function joinedAt(heardAt: number) {
  const clock = virtualClock(heardAt)
  const membership = createMembership(groupDefaults, clock)
  membership.joined({ slots: [1], streams: new Set(['a']), heardAt })
  return { clock, membership }
}

describe('a membership', () => {
  it('has nothing and can rely on nothing before the group has said anything', () => {
    const membership = createMembership(groupDefaults, virtualClock(0))
    expect([membership.has('a'), membership.isExpired()]).toEqual([false, true])
    expect(membership.hasJustExpired()).toBe(false)
  })

  it('expires when the group has answered nothing that was sent within the session', () => {
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

  it('tells of each silence once', () => {
    const { clock, membership } = joinedAt(0)
    const told: boolean[] = []
    for (let silence = 0; silence < 2; silence += 1) {
      clock.pass(sessionTimeoutMs + 1)
      told.push(membership.hasJustExpired(), membership.hasJustExpired())
      membership.heard(clock.monotonic())
    }
    expect(told).toEqual([true, false, true, false])
  })

  it('lasts longer while the group is shared out anew, when nobody sends heartbeats', () => {
    const { clock, membership } = joinedAt(0)
    membership.rebalancing()
    clock.pass(sessionTimeoutMs + rebalanceTimeoutMs)
    expect(membership.isExpired()).toBe(false)
    clock.pass(1)
    expect(membership.isExpired()).toBe(true)
  })

  it.each(['joined', 'broke'] as const)('is as strict as before once the sharing out has ended (%s)', (how) => {
    const { clock, membership } = joinedAt(0)
    membership.rebalancing()
    if (how === 'joined') membership.joined({ slots: [1], streams: new Set(['a']), heardAt: 0 })
    else membership.broke()
    clock.pass(sessionTimeoutMs + 1)
    expect(membership.isExpired()).toBe(true)
  })

  it('that had expired before the group was shared out anew stays expired until it has joined', () => {
    const { clock, membership } = joinedAt(0)
    clock.pass(sessionTimeoutMs + 1)
    membership.rebalancing()
    expect(membership.isExpired()).toBe(true)
    membership.joined({ slots: [2], streams: new Set(['b']), heardAt: clock.monotonic() })
    expect([membership.isExpired(), membership.has('a'), membership.has('b')]).toEqual([false, false, true])
  })

  it('has nothing any more once it was left', () => {
    const { membership } = joinedAt(0)
    membership.left()
    expect([membership.has('a'), membership.slots(), membership.isExpired()]).toEqual([false, [], true])
  })
})
