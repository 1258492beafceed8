/** Decodes the references of one XML document. */
export interface ReferenceDecoder {
  /**
   * The text of a reference, without `&` and `;`: one of the five predefined entities, or a character. A surrogate is
   * returned unpaired, since the other one may follow. A character that XML forbids becomes U+FFFD. Undefined for
   * others.
   */
  decode(reference: string): string | undefined
  /** The text with each unpaired surrogate replaced by U+FFFD. */
  wellFormed(text: string): string
  /** Number of references so far. */
  decoded(): number
  /** Number of characters replaced so far. */
  replaced(): number
}

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])
const REPLACEMENT = '\ufffd'
const LAST_CHARACTER = 0x10ffff

export function referenceDecoder(): ReferenceDecoder {
  let decoded = 0
  let replaced = 0
  let hasSurrogates = false
  return {
    decode: (reference) => {
      decoded += 1
      const entity = entities.get(reference)
      if (entity !== undefined) return entity
      const code = codeOf(reference)
      if (code === undefined || code > LAST_CHARACTER) return undefined
      if (isSurrogate(code)) {
        hasSurrogates = true
        return String.fromCharCode(code)
      }
      if (isCharacter(code)) return String.fromCodePoint(code)
      replaced += 1
      return REPLACEMENT
    },
    wellFormed: (text) => {
      if (!hasSurrogates || text.isWellFormed()) return text
      replaced += text.match(/\p{Surrogate}/gu)?.length ?? 0
      return text.toWellFormed()
    },
    decoded: () => decoded,
    replaced: () => replaced,
  }
}

function codeOf(reference: string): number | undefined {
  if (/^#\d{1,10}$/.test(reference)) return Number.parseInt(reference.slice(1), 10)
  if (/^#x[\da-f]{1,8}$/i.test(reference)) return Number.parseInt(reference.slice(2), 16)
  return undefined
}

export const isSurrogate = (code: number) => code >= 0xd800 && code <= 0xdfff

/** Whether XML 1.0 allows the character; surrogates are not characters. */
export function isCharacter(code: number): boolean {
  return code >= 0x20 ? code !== 0xfffe && code !== 0xffff : code === 0x09 || code === 0x0a || code === 0x0d
}
