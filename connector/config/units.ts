/** How a number with a unit is written. */
export interface Quantity {
  readonly rule: string
  /** Also used in the generated JSON schema. */
  readonly pattern: RegExp
  /** Undefined for anything else. */
  readonly parse: (text: string) => number | undefined
  /** The shortest text that `parse` reads as this value. */
  readonly print: (value: number) => string
}

export const durations = quantity('must be a duration such as 500ms, 5s, 5m, 12h or 7d', {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
})

export const sizes = quantity('must be a size such as 900kB, 1MB or 32MiB', {
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
export const durationText = durations.print

function quantity(rule: string, units: Readonly<Record<string, number>>): Quantity {
  const pattern = new RegExp(`^[0-9]+(${Object.keys(units).join('|')})$`)
  return {
    rule,
    pattern,
    parse: (text) => {
      const factor = units[pattern.exec(text)?.[1] ?? '']
      const total = factor === undefined ? Number.NaN : Number.parseInt(text, 10) * factor
      return Number.isSafeInteger(total) ? total : undefined
    },
    print: (value) => {
      const whole = Object.entries(units).filter(([, factor]) => value % factor === 0)
      const texts = whole.map(([unit, factor]) => `${value / factor}${unit}`)
      return texts.reduce((best, text) => (text.length <= best.length ? text : best))
    },
  }
}
