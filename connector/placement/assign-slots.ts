/** What a member of the group sends when it joins. */
export interface SlotClaim {
  readonly member: string
  /** The slots of its last assignment. */
  readonly held: readonly number[]
}

/**
 * Assigns slots to members: first the streams evenly, then the empty slots. Each member keeps what it holds within its
 * share. `streamsInSlot` has one number for each slot. The result does not depend on the input order.
 */
export function assignSlots(
  claims: readonly SlotClaim[],
  streamsInSlot: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const weightOf = (slot: number) => streamsInSlot[slot] ?? 0
  // Who holds the most keeps the remainder.
  const shares = claims
    .toSorted((one, other) => other.held.length - one.held.length || (one.member < other.member ? -1 : 1))
    .map(({ member, held }) => ({ member, held: new Set(held), slots: [] as number[], streams: 0 }))
  type Share = (typeof shares)[number]
  const give = (share: Share, slot: number) => {
    share.slots.push(slot)
    share.streams += weightOf(slot)
  }

  const fair = streamsInSlot.reduce((sum, streams) => sum + streams, 0) / shares.length
  let remainder = Math.round((fair % 1) * shares.length)
  const keeps = ({ slots, streams, held }: Share, slot: number) => {
    const after = streams + weightOf(slot)
    if (!held.has(slot)) return false
    if (weightOf(slot) === 0) return slots.length < streamsInSlot.length / shares.length
    if (streams === 0 || after <= fair) return true
    if (remainder === 0 || after > fair + 1) return false
    remainder -= 1
    return true
  }
  const heaviestFirst = [...streamsInSlot.keys()].sort((one, other) => weightOf(other) - weightOf(one) || one - other)
  const free = heaviestFirst.filter((slot) => {
    const keeper = shares.find((share) => keeps(share, slot))
    if (keeper !== undefined) give(keeper, slot)
    return keeper === undefined
  })
  for (const slot of free) {
    const [least] = shares.toSorted(weightOf(slot) > 0 ? byStreams : bySlots)
    if (least !== undefined) give(least, slot)
  }
  return new Map(shares.map(({ member, slots }) => [member, slots.sort((one, other) => one - other)]))
}

interface Load {
  readonly member: string
  readonly slots: readonly number[]
  readonly streams: number
}

const bySlots = (one: Load, other: Load) =>
  one.slots.length - other.slots.length || (one.member < other.member ? -1 : 1)
const byStreams = (one: Load, other: Load) => one.streams - other.streams || bySlots(one, other)
