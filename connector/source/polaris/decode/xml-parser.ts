import { SaxesParser } from 'saxes'

/** A start tag without attributes, as the handlers of the parser take it. */
interface PlainTag {
  readonly name: string
  readonly attributes: object
  readonly isSelfClosing: boolean
}

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
/** Matches a character that may need the parser: of references, `]]>` and line ends, and what XML forbids. */
const notPlain = /[^\t -%'-\\^-\ud7ff]/
const noAttributes = Object.freeze({})

const parserMembers = SaxesParser.prototype as unknown as ParserMembers
const { sOpenTag } = parserMembers

/**
 * Reads a start tag without attributes and, if it is around a plain text, this text and the end tag. The original makes
 * an object for the attributes of each tag, even if it has none, and looks at characters one by one.
 */
parserMembers.sOpenTag = function readTag(this: ParserMembers) {
  const { chunk, i, name: begun, closedRoot } = this
  plainTag.lastIndex = i
  if (begun !== '' || closedRoot || !plainTag.test(chunk)) {
    sOpenTag.call(this)
    return
  }
  const name = chunk.slice(i, plainTag.lastIndex - 1)
  skip(this, name.length + 1)
  this.tag = { name, attributes: noAttributes, isSelfClosing: false } satisfies PlainTag
  this.sawRoot = true
  this.openTag()
  readPlainContent(this, name)
}

/** Reads the content and end tag of an element, if the content is plain text. */
function readPlainContent(parser: ParserMembers, name: string) {
  const { chunk, i } = parser
  const end = chunk.indexOf('<', i)
  if (!chunk.startsWith('/', end + 1) || !chunk.startsWith(name, end + 2)) return
  if (!chunk.startsWith('>', end + 2 + name.length)) return
  const text = chunk.slice(i, end)
  if (notPlain.test(text)) return
  skip(parser, text.length + name.length + 3)
  if (text !== '') parser.textHandler?.(text)
  parser.name = name
  parser.closeTag()
}

function skip(parser: ParserMembers, characters: number) {
  parser.i += characters
  parser.column += characters
}

export { SaxesParser as XmlParser }
