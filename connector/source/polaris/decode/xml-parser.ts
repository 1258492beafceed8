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

/** Matches what follows the `<` of a start tag without attributes, if its name is ASCII. */
const plainTag = /[A-Za-z_][\w.:-]*>/y
/**
 * Matches the characters that the original function must read: those of references, `]]>` and line ends, and those that
 * XML forbids, with all others above U+D7FF.
 */
const notPlain = /[^\t -%'-\\^-\ud7ff]/
const noAttributes = Object.freeze({})

const parserMembers = SaxesParser.prototype as unknown as ParserMembers
const { sOpenTag } = parserMembers

/**
 * Reads a start tag without attributes. If plain text and the end tag follow, reads them too. The original function
 * makes an object for the attributes of each tag, even if it has none, and reads characters one by one.
 */
parserMembers.sOpenTag = function readTag(this: ParserMembers) {
  const { chunk, i } = this
  plainTag.lastIndex = i
  // There is a name if a chunk has ended in it.
  if (this.name !== '' || this.closedRoot || !plainTag.test(chunk)) {
    sOpenTag.call(this)
    return
  }
  const name = chunk.slice(i, plainTag.lastIndex - 1)
  skip(this, name.length + 1)
  this.tag = { name, attributes: noAttributes, isSelfClosing: false }
  this.sawRoot = true
  this.openTag()
  readPlainText(this, name)
}

/** Reads the text and the end tag of an element with this name, if it contains nothing but plain text. */
function readPlainText(parser: ParserMembers, name: string) {
  const { chunk, i } = parser
  const end = chunk.indexOf('<', i)
  if (!isEndTag(chunk, end, name)) return
  const text = chunk.slice(i, end)
  if (notPlain.test(text)) return
  skip(parser, text.length + name.length + '</>'.length)
  if (text !== '') parser.textHandler?.(text)
  parser.name = name
  parser.closeTag()
}

/** Whether the end tag of this name is here. A copy of the whole tag would be compared more slowly. */
const isEndTag = (chunk: string, at: number, name: string) =>
  chunk.startsWith('</', at) && chunk.startsWith(name, at + 2) && chunk.startsWith('>', at + 2 + name.length)

function skip(parser: ParserMembers, characters: number) {
  parser.i += characters
  parser.column += characters
}

export { SaxesParser as XmlParser }
