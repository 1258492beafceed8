declare const brand: unique symbol

/** A value validated once at the edge. The comment of each brand states what the value may be used for. */
export type Brand<Value, Name extends string> = Value & { readonly [brand]: Name }

/** Is the last statement of an exhaustive `switch`: the compiler rejects a missing case. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${JSON.stringify(value)}`)
}
