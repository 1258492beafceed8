import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assignSlots, type SlotClaim } from '../../../connector/placement/assign-slots.ts'

// Random members claim random slots.

const ones = (slots: number) => Array.from({ length: slots }, () => 1)
const claim = (member: string, ownedSlots: readonly number[] = []): SlotClaim => ({ member, ownedSlots })
const spread = (numbers: readonly number[]) => Math.max(...numbers) - Math.min(...numbers)
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

const loads = (most: number) => fc.array(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 48 })
const claimsOn = (slots: number) =>
  fc.uniqueArray(
    fc.record({
      member: fc.string({ minLength: 1, maxLength: 8 }),
      ownedSlots: fc.array(fc.integer({ min: 0, max: slots + 2 }), { maxLength: slots }),
    }),
    { selector: ({ member }) => member, minLength: 1, maxLength: 12 },
  )
const groups = (most: number) =>
  loads(most).chain((streamsInSlot) => fc.tuple(claimsOn(streamsInSlot.length), fc.constant(streamsInSlot)))
/** Members that hold disjoint slots, as after a completed assignment. */
const disjointGroups = fc.array(fc.integer({ min: -1, max: 7 }), { minLength: 1, maxLength: 48 }).chain((ownerOfSlot) =>
  fc.integer({ min: 1, max: 8 }).map((count) => ({
    slots: ownerOfSlot.length,
    claims: Array.from({ length: count }, (_, index) =>
      claim(
        `m${index}`,
        ownerOfSlot.flatMap((owner, slot) => (owner === index ? [slot] : [])),
      ),
    ),
  })),
)
const keptOf = (claims: readonly SlotClaim[], shares: ReadonlyMap<string, readonly number[]>) =>
  claims.reduce(
    (sum, { member, ownedSlots }) => sum + ownedSlots.filter((slot) => shares.get(member)?.includes(slot)).length,
    0,
  )

describe('assignSlots', () => {
  test('assigns every slot to exactly one member', () => {
    fc.assert(
      fc.property(groups(3), ([claims, streamsInSlot]) => {
        const given = [...assignSlots(claims, streamsInSlot).values()].flat()
        expect(given.sort((one, other) => one - other)).toEqual(range(0, streamsInSlot.length))
      }),
    )
  })

  test('balances streams within 1 when no slot has several streams', () => {
    fc.assert(
      fc.property(groups(1), ([claims, streamsInSlot]) => {
        const shares = assignSlots(claims, streamsInSlot)
        const streams = [...shares.values()].map((slots) => slots.filter((slot) => streamsInSlot[slot] === 1).length)
        expect(spread(streams)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('returns the same result for any order of members', () => {
    fc.assert(
      fc.property(groups(3), fc.infiniteStream(fc.nat()), ([claims, streamsInSlot], order) => {
        const shuffled = claims
          .map((one) => ({ one, at: order.next().value ?? 0 }))
          .sort((one, other) => one.at - other.at)
          .map(({ one }) => one)
        expect(assignSlots(shuffled, streamsInSlot)).toEqual(assignSlots(claims, streamsInSlot))
      }),
    )
  })

  test('moves no stream when it runs again on its own result', () => {
    fc.assert(
      fc.property(groups(1), ([claims, streamsInSlot]) => {
        const shares = assignSlots(claims, streamsInSlot)
        const again = claims.map(({ member }) => claim(member, shares.get(member)))
        const withStreams = (all: ReadonlyMap<string, readonly number[]>) =>
          again.map(({ member }) => all.get(member)?.filter((slot) => streamsInSlot[slot] !== 0))
        expect(withStreams(assignSlots(again, streamsInSlot))).toEqual(withStreams(shares))
      }),
    )
  })

  test('moves as few slots as the balance allows', () => {
    fc.assert(
      fc.property(disjointGroups, ({ slots, claims }) => {
        const kept = claims.map((one) => one.ownedSlots.length).sort((one, other) => other - one)
        const floor = Math.floor(slots / claims.length)
        const extra = slots % claims.length
        const mayKeep = kept.reduce((sum, size, rank) => sum + Math.min(size, rank < extra ? floor + 1 : floor), 0)
        expect(keptOf(claims, assignSlots(claims, ones(slots)))).toBe(mayKeep)
      }),
    )
  })

  test('does not move a stream to balance empty slots', () => {
    const streamsInSlot = [1, 1, 1, 0, 0, 0, 0, 0]
    const shares = assignSlots([claim('a', [0, 1]), claim('b', [2, 3, 4, 5, 6, 7])], streamsInSlot)
    expect(shares.get('a')).toEqual(expect.arrayContaining([0, 1]))
    expect(shares.get('b')).toContain(2)
  })

  test('assigns nothing when there are no members or no slots', () => {
    expect(assignSlots([], ones(4)).size).toBe(0)
    expect([...assignSlots([claim('a', [1])], [])]).toEqual([['a', []]])
  })
})
