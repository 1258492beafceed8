/** A member of the group sends this when it joins. */
export interface SlotClaim {
  readonly member: string
  /** These were the slots of its last assignment. */
  readonly ownedSlots: readonly number[]
}

interface Share {
  readonly member: string
  readonly ownedSlots: ReadonlySet<number>
  readonly slots: number[]
  streams: number
}

/**
 * Assigns slots to members, so that the streams in them are spread evenly; within its share, each member keeps the
 * slots that it owns. `streamsInSlot` has one number for each slot. The result does not depend on the order of the
 * claims.
 */
export function assignSlots(
  claims: readonly SlotClaim[],
  streamsInSlot: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const shares = claims
    .toSorted((one, other) => (one.member < other.member ? -1 : 1))
    .map(({ member, ownedSlots }): Share => ({ member, ownedSlots: new Set(ownedSlots), slots: [], streams: 0 }))
  const weightOf = (slot: number) => streamsInSlot[slot] ?? 0
  const total = streamsInSlot.reduce((sum, streams) => sum + streams, 0)
  const fair = Math.floor(total / shares.length)
  let remainder = total % shares.length
  const keeps = ({ ownedSlots, streams }: Share, slot: number) => {
    const after = streams + weightOf(slot)
    if (!ownedSlots.has(slot) || (after > fair + 1 && streams > 0)) return false
    if (after <= fair || streams === 0) return true
    remainder -= 1
    return remainder >= 0
  }
  const give = (share: Share | undefined, slot: number) => {
    if (share === undefined) return false
    share.slots.push(slot)
    share.streams += weightOf(slot)
    return true
  }
  const heaviestFirst = [...streamsInSlot.keys()].sort((one, other) => weightOf(other) - weightOf(one) || one - other)
  const free = heaviestFirst.filter(
    (slot) =>
      !give(
        shares.find((share) => keeps(share, slot)),
        slot,
      ),
  )
  for (const slot of free) give(shares.toSorted(leastFirst)[0], slot)
  return new Map(shares.map(({ member, slots }) => [member, slots.sort((one, other) => one - other)]))
}

const leastFirst = (one: Share, other: Share) => one.streams - other.streams || one.slots.length - other.slots.length
