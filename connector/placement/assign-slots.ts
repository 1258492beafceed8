/** What a member of the group reports about itself when it joins. */
export interface SlotClaim {
  readonly member: string
  /** The slots of its last known assignment. */
  readonly held: readonly number[]
  /** Time since the group last answered it. If two members claim a slot, the one with the shorter time keeps it. */
  readonly silentMs: number
}

interface Share {
  readonly member: string
  readonly slots: Set<number>
  streams: number
}

/**
 * Assigns slots to members: first balances the streams (within 1 if no slot has several streams), then the empty slots.
 * Each member keeps its slots as far as the balance allows. `streamsInSlot` has one number for each slot. The result
 * does not depend on the input order.
 */
export function assignSlots(
  claims: readonly SlotClaim[],
  streamsInSlot: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const loadOf = (slot: number) => streamsInSlot[slot] ?? 0
  const shares = claims.map(({ member }): Share => ({ member, slots: new Set(), streams: 0 })).sort(byName)
  const assign = (share: Share, slot: number) => {
    share.slots.add(slot)
    share.streams += loadOf(slot)
  }
  const move = ({ from, to, slot }: Move) => {
    from.slots.delete(slot)
    from.streams -= loadOf(slot)
    assign(to, slot)
  }
  const free = keepHeld(claims, { shares, assign, slots: streamsInSlot.length })
  const heaviestFirst = free.sort((one, other) => loadOf(other) - loadOf(one) || one - other)
  for (const slot of heaviestFirst) {
    const [least] = shares.toSorted(loadOf(slot) > 0 ? byStreams : bySlots)
    if (least !== undefined) assign(least, slot)
  }
  for (let next = nextMove(shares, loadOf); next !== undefined; next = nextMove(shares, loadOf)) move(next)
  return new Map(shares.map(({ member, slots }) => [member, [...slots].sort((one, other) => one - other)]))
}

const byName = (one: Share, other: Share) => (one.member < other.member ? -1 : 1)
const bySlots = (one: Share, other: Share) => one.slots.size - other.slots.size || byName(one, other)
const byStreams = (one: Share, other: Share) => one.streams - other.streams || bySlots(one, other)

/** Assigns to each member the slots it holds, and returns the remaining slots. */
function keepHeld(
  claims: readonly SlotClaim[],
  { shares, assign, slots }: { shares: readonly Share[]; assign: (share: Share, slot: number) => void; slots: number },
): number[] {
  const free = new Set(Array.from({ length: slots }, (_, slot) => slot))
  const mostRecentFirst = claims.toSorted(
    (one, other) => one.silentMs - other.silentMs || (one.member < other.member ? -1 : 1),
  )
  for (const { member, held } of mostRecentFirst) {
    const share = shares.find((found) => found.member === member)
    for (const slot of held) if (share !== undefined && free.delete(slot)) assign(share, slot)
  }
  return [...free]
}

interface Move {
  readonly from: Share
  readonly to: Share
  readonly slot: number
}

/** A move that improves the balance: of a slot with streams if possible, otherwise of an empty slot. */
function nextMove(shares: readonly Share[], loadOf: (slot: number) => number): Move | undefined {
  return (
    balancingMove(shares.toSorted(byStreams), ({ streams }) => streams, loadOf) ??
    balancingMove(shares.toSorted(bySlots), ({ slots }) => slots.size, emptySlotsOnly(loadOf))
  )
}

const emptySlotsOnly = (loadOf: (slot: number) => number) => (slot: number) => (loadOf(slot) === 0 ? 1 : 0)

/** From shares in ascending order: the move from the largest to the smallest share that best halves their gap. */
function balancingMove(
  ascending: readonly Share[],
  sizeOf: (share: Share) => number,
  weightOf: (slot: number) => number,
): Move | undefined {
  for (const from of ascending.toReversed()) {
    for (const to of ascending) {
      const gap = sizeOf(from) - sizeOf(to)
      if (gap < 2) break
      const left = (slot: number) => Math.abs(gap - 2 * weightOf(slot))
      const [slot] = [...from.slots]
        .filter((found) => weightOf(found) > 0 && weightOf(found) < gap)
        .sort((one, other) => left(one) - left(other) || one - other)
      if (slot !== undefined) return { from, to, slot }
    }
  }
  return undefined
}
