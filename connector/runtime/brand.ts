declare const brand: unique symbol

/** A value that was checked once at the edge; the brand's own comment says what may be done with it. */
export type Brand<Value, Name extends string> = Value & { readonly [brand]: Name }
