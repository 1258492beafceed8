import { SaxesParser } from 'saxes'
import { ownCopy } from '../../../runtime/memory/names.ts'

/** The members of saxes in use here. Those of `Inner` are not in its type; the version is pinned. */
export interface Saxes extends Pick<SaxesParser, 'on' | 'write' | 'close' | 'line'>, Inner {}

interface Inner {
  readonly opt: SaxesOptions
  /** Decodes a reference, without `&` and `;`. */
  parseEntity(reference: string): string
  /** The beginning of a reference without `;` so far. */
  readonly entity: string
  /** The text or attribute value so far. */
  text: string
  /** The part of the document that is read, and the index of its next character. */
  readonly chunk: string
  i: number
  column: number
  /** The beginning of a name so far. */
  name: string
  readonly tags: readonly Tag[]
  tag: Tag
  /** Reads a text, and the beginning of the tag after it. */
  sText(): void
  /** Read the rest of a tag, from its name on. */
  sOpenTag(): void
  sCloseTag(): void
  openTag(): void
  closeTag(): void
}

/** Without attributes, it is the same for each element with its name. */
interface Tag {
  readonly name: string
  readonly attributes: object
  /** Set by saxes. */
  readonly isSelfClosing: boolean
}

interface SaxesOptions {
  readonly position: false
  readonly forceXMLVersion: true
  readonly defaultXMLVersion: '1.0'
  readonly decodeReference: (reference: string) => string
  /** The tags so far, by their names. */
  readonly known: Map<string, Tag>
}

/** Beyond it, tags are read as saxes does: a page has few names. */
const KNOWN_TAGS = 1_000
const GREATER = 0x3e
/** Characters that saxes passes on as they are. Others are references, line ends, `]]>`, pairs, or forbidden. */
const PLAIN = /^[ -%'-\\^-\ud7ff\ue000-\ufffd]+$/
const noAttributes = Object.freeze(Object.create(null))

/**
 * Calls `decodeReference`, and reads plain texts, and tags without attributes whose name the document had before, in one
 * step: the original looks at each character, and makes slow objects for each tag. A subclass without fields of its own:
 * with one more property, a parser would be a slow object for V8 and take five times as long.
 */
export class PageParser extends (SaxesParser as unknown as new (options: SaxesOptions) => Saxes) {
  override parseEntity(reference: string): string {
    return this.opt.decodeReference(reference)
  }

  override sOpenTag(): void {
    const { chunk, i, opt, tags } = this
    const end = this.name === '' && tags.length > 0 ? chunk.indexOf('>', i) : -1
    const tag = end === -1 ? undefined : opt.known.get(chunk.slice(i, end))
    if (tag !== undefined) {
      skip(this, tag.name.length + 1)
      this.tag = tag
      this.openTag()
    } else {
      super.sOpenTag()
      const opened = tags.at(-1)
      if (opened !== undefined && opt.known.size < KNOWN_TAGS && !opt.known.has(opened.name)) {
        const own = ownCopy(opened.name)
        opt.known.set(own, { name: own, attributes: noAttributes, isSelfClosing: false })
      }
    }
  }

  override sText(): void {
    const { chunk, i } = this
    const end = this.text === '' && this.tags.length > 0 ? chunk.indexOf('<', i) : -1
    const text = end === -1 ? '' : chunk.slice(i, end)
    if (PLAIN.test(text)) {
      skip(this, text.length)
      this.text = text
    }
    super.sText()
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
