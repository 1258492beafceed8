import type { Clock } from '../runtime/clock.ts'

let count = 0

/** A name that no other call, process or machine makes: letters, digits and dashes. */
export function uniqueName(clock: Clock): string {
  count += 1
  const numbers = [clock.now(), process.pid, count, Math.floor(clock.random() * 2 ** 52)]
  return numbers.map((number) => number.toString(36)).join('-')
}
