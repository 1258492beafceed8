import { inspect } from 'node:util'

/** A text that a variable gave, or a reference to one in the file: it may stand for a number, a list or a map. */
export class GivenText {
  readonly text: string
  /** Reads it again if it comes from a file; undefined while that has none, such as while it is being replaced. */
  readonly again: () => string | undefined
  constructor(text: string, again: () => string | undefined = () => text) {
    this.text = text
    this.again = again
  }
}

/** Invariant 8: prints as `shown`, `***` unless told; only `reveal()` returns the text, which may change. */
export class Secret {
  readonly #read: () => string
  readonly #shown: string
  constructor(read: () => string, shown = '***') {
    this.#read = read
    this.#shown = shown
  }
  reveal(): string {
    return this.#read()
  }
  toString(): string {
    return this.#shown
  }
  toJSON(): string {
    return this.#shown
  }
  [inspect.custom](): string {
    return this.#shown
  }
}

/** A secret that is read again at each use; the last valid text remains in use while its file has none. */
export function secretFrom({ text, again }: GivenText, isValid: (text: string) => boolean, shown?: string): Secret {
  let last = text
  const read = () => {
    const next = again()
    if (next !== undefined && isValid(next)) last = next
    return last
  }
  return new Secret(read, shown)
}

/** Settings with plain texts, as adapters take them. */
export type Revealed<Settings> = Settings extends Secret
  ? string
  : Settings extends Readonly<Record<string, unknown>>
    ? { readonly [Key in keyof Settings]: Revealed<Settings[Key]> }
    : Settings

/** Settings whose secrets are getters, which read at each use. Never print the result. */
export function revealed<Settings extends object>(settings: Settings): Revealed<Settings> {
  const properties = Object.entries(settings).map(([key, value]) => {
    const property =
      value instanceof Secret ? { get: () => value.reveal() } : { value: isSection(value) ? revealed(value) : value }
    return [key, { enumerable: true, ...property }] as const
  })
  return Object.defineProperties({}, Object.fromEntries(properties)) as Revealed<Settings>
}

const isSection = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
