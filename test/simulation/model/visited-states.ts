import type { World } from './world.ts'

/**
 * A 64-bit hash of a state, as two numbers. Only equality matters for nonces, producers and ids of wishes, so they are
 * numbered in order of appearance. Replicas and requests have no order.
 */
export function fingerprintOf({ replicas, puts, wishPuts, ends, ...world }: World): readonly [number, number] {
  const numbers: string[] = []
  let [low, high] = [0x811c9dc5, 0x9e3779b9]
  const put = (value: number) => {
    low = Math.imul(low ^ value, 0x01000193)
    low ^= low >>> 15
    high = Math.imul(high ^ (value + 0x7f4a7c15), 0x85ebca6b)
    high ^= high >>> 13
  }
  const add = (value: unknown) => {
    for (const token of flat(value)) put(typeof token === 'number' ? token : numberOf(numbers, token))
  }
  for (const part of Object.values(world)) add(part)
  for (const values of [replicas, puts, wishPuts, ends]) {
    put(values.length)
    for (const value of values.length < 2 ? values : [...values].sort(inOrder)) add(value)
  }
  return [mixed(low) >>> 0, mixed(high) >>> 0]
}

/** Numbers, and strings of which only equality matters. */
type Token = number | string

const flattened = new WeakMap<object, readonly Token[]>()
const words: string[] = []

function flat(value: unknown): readonly Token[] {
  if (typeof value === 'number') return [value * 2 + 1_000]
  if (typeof value === 'string') return [/^[npw]\d/.test(value) ? value : numberOf(words, value) + 500]
  if (typeof value !== 'object' || value === null) return [value === undefined ? 4 : value === null ? 3 : Number(value)]
  const known = flattened.get(value)
  if (known !== undefined) return known
  const tokens: Token[] = []
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue
    tokens.push(numberOf(words, key))
    for (const token of flat(part)) tokens.push(token)
  }
  tokens.push(-1)
  flattened.set(value, tokens)
  return tokens
}

/** By all but nonces, producers and ids. Of equal values, a state may be counted twice. */
function inOrder(left: object, right: object): number {
  return orderOf(left) - orderOf(right)
}

const orders = new WeakMap<object, number>()

function orderOf(value: object): number {
  const known = orders.get(value)
  if (known !== undefined) return known
  let order = 7
  for (const token of flat(value)) order = mixed(order ^ (typeof token === 'number' ? token : 1))
  orders.set(value, order)
  return order
}

function numberOf(numbers: string[], text: string): number {
  const at = numbers.indexOf(text)
  return at === -1 ? numbers.push(text) : at + 1
}

function mixed(value: number): number {
  let mixing = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35)
  return mixing ^ (mixing >>> 16)
}

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
