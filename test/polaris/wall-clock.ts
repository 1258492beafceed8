/** Wall-clock text `YYYY-MM-DDTHH:mm:ss.fff` of a server in Paris that stores no time zones. Comparable as text. */
export type WallText = string

const format = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Paris', dateStyle: 'short', timeStyle: 'medium' })

/** Wall-clock text at an instant (ms since 1970). */
export function wallTextAt(instant: number): WallText {
  return `${format.format(instant).replace(' ', 'T')}.${String(instant % 1000).padStart(3, '0')}`
}

/** Parses the wall-clock text that the connector sends, to the second; undefined if the text is another. */
export function parseDateTime(text: string): WallText | undefined {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}Z`))
  return isTime ? `${text}.000` : undefined
}
