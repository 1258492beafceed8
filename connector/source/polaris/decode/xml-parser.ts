import { SaxesParser } from 'saxes'

/** Private members of the parser, whose version is therefore pinned. */
interface ParserMembers {
  chunk: string
  i: number
  column: number
  name: string
  tag: object | null
  closedRoot: boolean
  sawRoot: boolean
  textHandler?: (text: string) => void
  sOpenTag(): void
  openTag(): void
  closeTag(): void
}

/**
 * Matches what follows the `<` of an element without attributes, whose name is ASCII, and which holds plain text: no
 * references, no `]]>`, no line ends, and no characters above U+D7FF, some of which XML forbids.
 */
const plainElement = /([A-Za-z_][\w.:-]*)>([\t -%'-;=-\\^-\ud7ff]*)<\/\1>/y
const noAttributes = Object.freeze({})

const members = SaxesParser.prototype as unknown as ParserMembers
const { sOpenTag } = members

/**
 * Reads a plain element at once, and any other tag by the original function, which makes an object for the attributes
 * of each tag, and reads characters one by one. Without this, a first scan of XML takes a fifth more CPU.
 */
members.sOpenTag = function readTag(this: ParserMembers) {
  plainElement.lastIndex = this.i
  // There is a name if a chunk has ended in it.
  const found = this.name === '' && !this.closedRoot ? plainElement.exec(this.chunk) : null
  if (found === null) {
    sOpenTag.call(this)
    return
  }
  const [element, name = '', text = ''] = found
  this.i += element.length
  this.column += element.length
  this.tag = { name, attributes: noAttributes, isSelfClosing: false }
  this.sawRoot = true
  this.openTag()
  if (text !== '') this.textHandler?.(text)
  this.name = name
  this.closeTag()
}

export { SaxesParser as XmlParser }
