import { SaxesParser } from 'saxes'

/** The members of saxes in use here. Those of `Inner` are not in its type; the version is pinned. */
export interface Saxes extends Pick<SaxesParser, 'on' | 'write' | 'close' | 'line'>, Inner {}

interface Inner {
  readonly opt: SaxesOptions
  /** Decodes a reference, without `&` and `;`. */
  parseEntity(reference: string): string
  /** The beginning of a reference without `;` so far. */
  readonly entity: string
  /** The text or attribute value so far. */
  readonly text: string
  /** The part of the document that is read, and the index of its next character. */
  readonly chunk: string
  i: number
  column: number
  /** The beginning of a name so far. */
  name: string
  readonly tags: readonly Tag[]
  tag: Tag
  /** Read the rest of a tag, from its name on. */
  sOpenTag(): void
  sCloseTag(): void
  openTag(): void
  closeTag(): void
}

interface Tag {
  readonly name: string
  readonly attributes: object
}

interface SaxesOptions {
  readonly position: false
  readonly forceXMLVersion: true
  readonly defaultXMLVersion: '1.0'
  readonly decodeReference: (reference: string) => string
  /** The names of the tags so far. */
  readonly names: Set<string>
}

/** Beyond it, names are read as saxes does: a page has few. */
const KNOWN_NAMES = 1_000
const GREATER = 0x3e
const noAttributes = Object.freeze(Object.create(null))

/**
 * Calls `decodeReference`, and reads tags without attributes whose name the document had before in one step: the
 * original looks at each character, and makes a slow object for the attributes of each tag. A subclass without fields
 * of its own: with one more property, a parser would be a slow object for V8 and take five times as long.
 */
export class PageParser extends (SaxesParser as unknown as new (options: SaxesOptions) => Saxes) {
  override parseEntity(reference: string): string {
    return this.opt.decodeReference(reference)
  }

  override sOpenTag(): void {
    const { chunk, i, opt, tags } = this
    const end = this.name === '' && tags.length > 0 ? chunk.indexOf('>', i) : -1
    const name = end === -1 ? '' : chunk.slice(i, end)
    if (opt.names.has(name)) {
      skip(this, name.length + 1)
      this.tag = { name, attributes: noAttributes }
      this.openTag()
    } else {
      super.sOpenTag()
      const opened = tags.at(-1)
      if (opened !== undefined && opt.names.size < KNOWN_NAMES) opt.names.add(opened.name)
    }
  }

  override sCloseTag(): void {
    const { chunk, i, tags } = this
    const name = tags.at(-1)?.name ?? ''
    if (this.name === '' && chunk.charCodeAt(i + name.length) === GREATER && chunk.startsWith(name, i)) {
      skip(this, name.length + 1)
      this.name = name
      this.closeTag()
    } else super.sCloseTag()
  }
}

/** Reads on this line. */
function skip(parser: Saxes, characters: number): void {
  parser.i += characters
  parser.column += characters
}
