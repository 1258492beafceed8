const millisecondsIn = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const bytesIn = { B: 1, kB: 1000, KiB: 1024, MB: 1_000_000, MiB: 1024 ** 2, GB: 1_000_000_000, GiB: 1024 ** 3 } as const

const durationPattern = /^[0-9]+(ms|s|m|h|d)$/
const sizePattern = /^[0-9]+(B|kB|KiB|MB|MiB|GB|GiB)$/

/** `500ms`, `5s`, `5m`, `12h`, `7d` in milliseconds; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  return durationPattern.test(text) ? amount(text, millisecondsIn) : undefined
}

/** `100B`, `900kB`, `1MiB` in bytes; undefined for anything else. */
export function sizeBytes(text: string): number | undefined {
  return sizePattern.test(text) ? amount(text, bytesIn) : undefined
}

/** The shortest text that `durationMs` reads as `ms`. */
export function durationText(ms: number): string {
  return inLargestUnit(ms, millisecondsIn)
}

/** The shortest text that `sizeBytes` reads as `bytes`. */
export function sizeText(bytes: number): string {
  return inLargestUnit(bytes, bytesIn)
}

/** How a number with a unit is written. */
export interface Quantity {
  readonly rule: string
  /** Also used in the generated JSON schema. */
  readonly pattern: RegExp
  readonly parse: (text: string) => number | undefined
  readonly print: (value: number) => string
}

export const durations: Quantity = {
  rule: 'must be a duration such as 500ms, 5s, 5m, 12h or 7d',
  pattern: durationPattern,
  parse: durationMs,
  print: durationText,
}

export const sizes: Quantity = {
  rule: 'must be a size such as 900kB, 1MB or 32MiB',
  pattern: sizePattern,
  parse: sizeBytes,
  print: sizeText,
}

function amount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const unit = text.replace(/^[0-9]+/, '')
  const factor = units[unit]
  const total = factor === undefined ? Number.NaN : Number.parseInt(text, 10) * factor
  return Number.isSafeInteger(total) ? total : undefined
}

function inLargestUnit(total: number, units: Readonly<Record<string, number>>): string {
  let text = ''
  for (const [unit, factor] of Object.entries(units)) {
    const candidate = `${total / factor}${unit}`
    if (total % factor === 0 && (text === '' || candidate.length <= text.length)) text = candidate
  }
  return text
}
