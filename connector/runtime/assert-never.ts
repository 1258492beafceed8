/** Ends every exhaustive `switch`: compiling proves that no case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${JSON.stringify(value)}`)
}
