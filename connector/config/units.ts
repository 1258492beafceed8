/** How a number with a unit is written. */
export interface Quantity {
  readonly rule: string
  /** What is wrong with one that is too small or too large. */
  readonly limits: string
  /** Also used in the generated JSON schema. */
  readonly pattern: RegExp
  /** Undefined for anything else. */
  readonly parse: (text: string) => number | undefined
}

export const durations = quantity(
  'must be a duration such as 500ms, 5s, 5m, 12h or 7d',
  'must be between 1ms and 24d',
  {
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  },
)

export const sizes = quantity('must be a size such as 900kB, 1MB or 32MiB', 'must be between 1B and 2GB', {
  B: 1,
  kB: 1000,
  KiB: 1024,
  MB: 1_000_000,
  MiB: 1024 ** 2,
  GB: 1_000_000_000,
  GiB: 1024 ** 3,
})

/** `5m` in milliseconds. */
export const durationMs = durations.parse

function quantity(rule: string, limits: string, units: Readonly<Record<string, number>>): Quantity {
  const pattern = new RegExp(`^[0-9]+(${Object.keys(units).join('|')})$`)
  return {
    rule,
    limits,
    pattern,
    parse: (text) => {
      const factor = units[pattern.exec(text)?.[1] ?? '']
      const total = factor === undefined ? Number.NaN : Number.parseInt(text, 10) * factor
      return Number.isSafeInteger(total) ? total : undefined
    },
  }
}
