/** The states visited so far, by fingerprint, numbered in the order of the visits. */
export interface VisitedStates {
  has(fingerprint: readonly [number, number]): boolean
  /** True if it is new. */
  add(fingerprint: readonly [number, number]): boolean
  size(): number
}

/** A hash table with open addressing: 12 bytes per state, where a Set of strings needs a hundred. */
export function visitedStates(): VisitedStates {
  let capacity = 1 << 16
  let lows = new Uint32Array(capacity)
  let highs = new Uint32Array(capacity)
  let size = 0

  const place = (low: number, high: number): number => {
    let at = low & (capacity - 1)
    while ((lows[at] !== 0 || highs[at] !== 0) && (lows[at] !== low || highs[at] !== high))
      at = (at + 1) & (capacity - 1)
    return at
  }
  const grow = () => {
    const [oldLows, oldHighs] = [lows, highs]
    capacity *= 2
    lows = new Uint32Array(capacity)
    highs = new Uint32Array(capacity)
    for (const [at, low] of oldLows.entries()) {
      const high = oldHighs[at] ?? 0
      if (low === 0 && high === 0) continue
      const to = place(low, high)
      lows[to] = low
      highs[to] = high
    }
  }
  return {
    has: ([low, high]) => {
      const at = place(low, high)
      return lows[at] === low && highs[at] === high
    },
    add: ([low, high]) => {
      const at = place(low, high)
      if (lows[at] === low && highs[at] === high) return false
      lows[at] = low
      highs[at] = high
      size += 1
      if (size * 2 > capacity) grow()
      return true
    },
    size: () => size,
  }
}
