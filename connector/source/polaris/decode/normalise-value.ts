import { wallClock } from '../../source-time.ts'

const minimumIso = /^0001-01-01(?:[T ]00:00:00(?:\.0+)?(?:Z|[+-]\d\d:?\d\d)?)?$/
const minimumFrench = /^01\/01\/0001(?: 00:00:00)?$/
const microsoftDate = /^\/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\/$/
/** One day after the minimum date, which a time zone may have shifted. */
const minimumUntilMs = -62_135_596_800_000 + 86_400_000
const maximumMs = 253_370_764_800_000 // 9999-01-01: a later year may have five digits in some time zone

/**
 * Makes a value equal in XML and JSON: .NET's minimum date becomes undefined, `/Date(ms±hhmm)/` becomes wall-clock text
 * in the server's zone, any other text stays the same. Hot path: returns at once if the text cannot be a date.
 */
export function normaliseText(text: string, zone: string): string | undefined {
  const first = text.charCodeAt(0)
  if (first === 0x2f /* / */) return microsoftDateText(text, zone)
  if (first !== 0x30 /* 0 */ || text.length < 10) return text
  return minimumIso.test(text) || minimumFrench.test(text) ? undefined : text
}

function microsoftDateText(text: string, zone: string): string | undefined {
  const ms = Number(microsoftDate.exec(text)?.[1] ?? Number.NaN)
  if (Number.isNaN(ms) || ms > maximumMs) return text
  if (ms <= minimumUntilMs) return undefined
  const fraction = String(((ms % 1000) + 1000) % 1000)
    .padStart(3, '0')
    .replace(/0+$/, '')
  return wallClock(ms, zone) + (fraction === '' ? '' : `.${fraction}`)
}
