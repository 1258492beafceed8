import { inspect } from 'node:util'

/** Reads a text again from its file; undefined while that has none, such as while it is being replaced. */
export type ReadAgain = () => string | undefined

/** A secret prints as `***` (invariant 8); only `reveal()` returns the text, which may change. */
export class Secret {
  #text: string
  #readAgain: ReadAgain = () => undefined
  readonly #isValid: (text: string) => boolean
  constructor(text: string, isValid: (text: string) => boolean) {
    this.#text = text
    this.#isValid = isValid
  }
  /** Has the secret read again at each use; the last valid text remains in use while the file has none. */
  follow(readAgain: ReadAgain): void {
    this.#readAgain = readAgain
  }
  reveal(): string {
    const next = this.#readAgain()
    if (next !== undefined && this.#isValid(next)) this.#text = next
    return this.#text
  }
  toString(): string {
    return '***'
  }
  toJSON(): string {
    return '***'
  }
  [inspect.custom](): string {
    return '***'
  }
}

/** Settings with plain texts, as adapters take them. */
export type Revealed<Settings> = Settings extends Secret
  ? string
  : Settings extends readonly Secret[]
    ? readonly string[]
    : Settings extends Readonly<Record<string, unknown>>
      ? { readonly [Key in keyof Settings]: Revealed<Settings[Key]> }
      : Settings

/** Returns settings whose secrets are getters, which read at each use. Never print the result. */
export function revealedSettings<Settings extends object>(settings: Settings): Revealed<Settings> {
  const properties = Object.entries(settings).map(([key, value]) => {
    const property = isSecret(value)
      ? { get: () => (Array.isArray(value) ? value.map((one) => one.reveal()) : value.reveal()) }
      : { value: isSection(value) ? revealedSettings(value) : value }
    return [key, { enumerable: true, ...property }] as const
  })
  return Object.defineProperties({}, Object.fromEntries(properties)) as Revealed<Settings>
}

const isSecret = (value: unknown): value is Secret | Secret[] =>
  value instanceof Secret || (Array.isArray(value) && value[0] instanceof Secret)

const isSection = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
