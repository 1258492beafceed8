const millisecondsIn = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const bytesIn = { B: 1, kB: 1000, KiB: 1024, MB: 1_000_000, MiB: 1024 ** 2, GB: 1_000_000_000, GiB: 1024 ** 3 } as const

/** Also used in the generated JSON schema. */
export const durationPattern = /^[0-9]+(ms|s|m|h|d)$/
export const sizePattern = /^[0-9]+(B|kB|KiB|MB|MiB|GB|GiB)$/

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
