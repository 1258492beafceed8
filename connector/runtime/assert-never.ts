/** The last statement of an exhaustive `switch`: the compiler rejects a missing case. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${JSON.stringify(value)}`)
}
