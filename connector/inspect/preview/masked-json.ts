const MAX_LENGTH = 40
/** The attributes of an event and the fields of a dead letter that say nothing about a client. */
const KEPT: ReadonlySet<string> = new Set([
  ...['specversion', 'type', 'source', 'sequence', 'datacontenttype', 'dataschema'],
  ...['fieldrules', 'hmackeyid'],
  ...['code', 'field', 'bytes'],
])

/** The value of a record, without what it says about the client: names, types and numbers of fields stay. */
export function maskedRecord(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, KEPT.has(name) ? item : masked(item)]))
}

function masked(value: unknown): unknown {
  if (typeof value === 'string') return maskedText(value)
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, masked(item)]))
}

/**
 * Invariant 8: only the form stays. A digit becomes `9`, a letter `x`, a word `xxx` whatever its length, everything else
 * but spaces and punctuation `x`; a long text is cut.
 */
export function maskedText(text: string): string {
  const form = text
    .replaceAll(/[\p{L}\p{M}]+/gu, (word) => (word.length === 1 ? 'x' : 'xxx'))
    .replaceAll(/\p{N}/gu, '9')
    .replaceAll(/[^ \t\r\n!-~]/gu, 'x')
  return form.length > MAX_LENGTH ? `${form.slice(0, MAX_LENGTH)}…` : form
}
