import type { World } from './world.ts'

/**
 * A hash of a state, of as many bits as a number holds exactly. Only equality matters for nonces, producers and ids of wishes, so they are
 * numbered in order of appearance. Replicas and requests have no order.
 */
export function fingerprintOf({ replicas, puts, wishPuts, ends, ...world }: World): number {
  const numbers: string[] = []
  let low = 0x811c9dc5
  let high = 0x9e3779b9
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
  return (mixed(high) >>> 11) * 2 ** 32 + (mixed(low) >>> 0)
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
