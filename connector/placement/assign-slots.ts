/** What a member of the group says of itself when it joins. */
export interface SlotClaim {
  readonly member: string
  /** The slots that it had in the last assignment it knows of. */
  readonly held: readonly number[]
  /** How long ago the group answered it last: of two that claim a slot, the one who has heard last has it. */
  readonly silentMs: number
}

interface Share {
  readonly member: string
  readonly slots: Set<number>
  streams: number
}

/**
 * Shares slots out: the streams evenly (within 1 where no slot has several), then the slots without streams; everybody keeps what it holds
 * as far as that allows. `streamsInSlot` has one number for each slot. The same input gives the same result, in whatever order.
 */
export function assignSlots(
  claims: readonly SlotClaim[],
  streamsInSlot: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const loadOf = (slot: number) => streamsInSlot[slot] ?? 0
  const shares = claims.map(({ member }): Share => ({ member, slots: new Set(), streams: 0 })).sort(byName)
  const give = (share: Share, slot: number) => {
    share.slots.add(slot)
    share.streams += loadOf(slot)
  }
  const move = ({ from, to, slot }: Move) => {
    from.slots.delete(slot)
    from.streams -= loadOf(slot)
    give(to, slot)
  }
  const free = keepHeld(claims, { shares, give, slots: streamsInSlot.length })
  const heaviestFirst = free.sort((one, other) => loadOf(other) - loadOf(one) || one - other)
  for (const slot of heaviestFirst) {
    const [least] = shares.toSorted(loadOf(slot) > 0 ? byStreams : bySlots)
    if (least !== undefined) give(least, slot)
  }
  for (let next = nextMove(shares, loadOf); next !== undefined; next = nextMove(shares, loadOf)) move(next)
  return new Map(shares.map(({ member, slots }) => [member, [...slots].sort((one, other) => one - other)]))
}

const byName = (one: Share, other: Share) => (one.member < other.member ? -1 : 1)
const bySlots = (one: Share, other: Share) => one.slots.size - other.slots.size || byName(one, other)
const byStreams = (one: Share, other: Share) => one.streams - other.streams || bySlots(one, other)

/** Gives everybody what it holds and returns what is left. */
function keepHeld(
  claims: readonly SlotClaim[],
  { shares, give, slots }: { shares: readonly Share[]; give: (share: Share, slot: number) => void; slots: number },
): number[] {
  const free = new Set(Array.from({ length: slots }, (_, slot) => slot))
  const lastHeardFirst = claims.toSorted(
    (one, other) => one.silentMs - other.silentMs || (one.member < other.member ? -1 : 1),
  )
  for (const { member, held } of lastHeardFirst) {
    const share = shares.find((found) => found.member === member)
    for (const slot of held) if (share !== undefined && free.delete(slot)) give(share, slot)
  }
  return [...free]
}

interface Move {
  readonly from: Share
  readonly to: Share
  readonly slot: number
}

/** A move that makes the shares more even: of a slot with streams if there is one, else of an empty slot. */
function nextMove(shares: readonly Share[], loadOf: (slot: number) => number): Move | undefined {
  return (
    evenOut(shares.toSorted(byStreams), ({ streams }) => streams, loadOf) ??
    evenOut(shares.toSorted(bySlots), ({ slots }) => slots.size, emptySlotsOnly(loadOf))
  )
}

const emptySlotsOnly = (loadOf: (slot: number) => number) => (slot: number) => (loadOf(slot) === 0 ? 1 : 0)

/** Among shares in rising order: the move from the fullest to the emptiest that halves their gap best. */
function evenOut(
  rising: readonly Share[],
  sizeOf: (share: Share) => number,
  weightOf: (slot: number) => number,
): Move | undefined {
  for (const from of rising.toReversed()) {
    for (const to of rising) {
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
