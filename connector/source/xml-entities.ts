const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The error for a reference that stands for nothing. */
export type EntityProblem = () => Error

/** The text with the five named entities and the numeric references of XML decoded, each once; throws `problem()` for any other. */
export function decodeEntities(text: string, problem: EntityProblem): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:(?:#(\d{1,10})|#x([\da-f]{1,8})|(\w{1,20}));)?/gi, (_, decimal, hex, name = '') => {
    if (decimal !== undefined) return character(Number.parseInt(decimal, 10), problem)
    if (hex !== undefined) return character(Number.parseInt(hex, 16), problem)
    const sign = Object.hasOwn(named, name) ? named[name] : undefined
    if (sign === undefined) throw problem()
    return sign
  })
}

function character(code: number, problem: EntityProblem): string {
  const isHalf = code >= 0xd800 && code <= 0xdfff
  if (code === 0 || code > 0x10ffff || isHalf) throw problem()
  return String.fromCodePoint(code)
}
