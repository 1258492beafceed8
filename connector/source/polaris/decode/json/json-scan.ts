import { hash } from 'node:crypto'
import { OVERSIZE, oversizeText } from '../../../client-source.ts'
import { MAX_DEPTH } from '../answer-node.ts'
import {
  FIRST_BYTES,
  FIRST_NODES,
  MAX_CLIENT_BYTES,
  MAX_CLIENT_FIELDS,
  MAX_NODES,
  tooDeep,
  tooManyFields,
  tooManyNodes,
} from '../page-limits.ts'
import { isCharacter, isSurrogate } from '../xml-reference.ts'
import { JsonEdit } from './json-edit.ts'
import {
  afterBlanks,
  afterNumber,
  afterShortWhole,
  beginsNumber,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  hexAt,
  indexIn,
  OPEN_LIST,
  OPEN_OBJECT,
  pageValues,
  QUOTE,
} from './json-text.ts'

/** A document that `JSON.parse` may build. */
interface ScannedJson {
  /**
   * The text with numbers that could lose digits in quotes, with U+FFFD instead of escaped characters that XML forbids,
   * and with only the first fields of a client beyond its limits.
   */
  readonly text: string
  readonly replacedCharacters: number
}

/**
 * Looks at a JSON document in UTF-8 before anything of it is built, in steps. Throws `source.answer-too-large` or
 * `source.answer-malformed` beyond the limits of a page, and for a flag or token with two values, of which `JSON.parse`
 * would keep the last. Invalid JSON remains invalid. Changes the body.
 */
export function* scanJson(body: Buffer): Generator<void, ScannedJson> {
  const scan = new JsonScan(body)
  for (let at = 0; at < body.length; ) {
    at = scan.scan(at, at + STEP_BYTES)
    yield
  }
  return scan.end()
}

/** Takes 10 ms. */
const STEP_BYTES = 4 * 1024 * 1024

/** An object in the outermost list: a client, if the document is a page. */
interface Item {
  readonly start: number
  readonly depth: number
  readonly nodesBefore: number
  isOversize: boolean
  /** The place after its first fields, and what has been changed up to it. */
  cut: number
  inserted: number
  replaced: number
}

/** Hot path. */
class JsonScan {
  readonly #body: Buffer
  /** A character for each byte: searching it is faster. */
  readonly #bytes: string
  readonly #edit: JsonEdit
  readonly #values: ReturnType<typeof pageValues>
  /** The next backslash in or after the string that is looked at. */
  #backslash = -1
  #nodes = 0
  /** Nodes outside of lists. */
  #beside = 0
  #maxNodes = MAX_NODES
  #depth = 0
  /** Depth of the outermost open list; 0: none is open. */
  #listDepth = 0
  #item: Item | undefined

  constructor(body: Buffer) {
    this.#body = body
    this.#bytes = body.toString('latin1')
    this.#edit = new JsonEdit(body)
    this.#values = pageValues(this.#bytes)
  }

  /** The index after the last token that begins before `end`. */
  scan(start: number, end: number): number {
    const bytes = this.#bytes
    const last = Math.min(end, bytes.length)
    let at = start
    while (at < last) at = this.#step(at, bytes.charCodeAt(at))
    return at
  }

  end(): ScannedJson {
    if (this.#nodes > MAX_NODES) throw tooManyNodes()
    return { text: this.#edit.text(this.#bytes), replacedCharacters: this.#edit.replaced }
  }

  /** The index after the token that begins here. */
  #step(at: number, byte: number): number {
    if (byte === QUOTE) return this.#string(at)
    if (byte === COMMA) this.#comma(at)
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#open(at, byte)
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#close(at, byte)
    else if (beginsNumber(byte)) return afterShortWhole(this.#bytes, at) ?? this.#number(at)
    return at + 1
  }

  #string(start: number): number {
    const bytes = this.#bytes
    let end = indexIn(bytes, '"', start + 1)
    if (this.#backslash < start) this.#backslash = indexIn(bytes, '\\', start)
    while (this.#backslash < end) {
      const after = this.#escape(this.#backslash)
      if (after > end) end = indexIn(bytes, '"', after)
      this.#backslash = indexIn(bytes, '\\', after)
    }
    if (this.#listDepth === 0) this.#values.add(start, end, this.#depth)
    return end + 1
  }

  /** The index after the escape. */
  #escape(at: number): number {
    const bytes = this.#bytes
    const kind = bytes.charCodeAt(at + 1)
    if (kind === 0x62 /* b */ || kind === 0x66 /* f */) {
      if (this.#item?.isOversize !== true) this.#edit.replaceShortEscape(at)
      return at + 2
    }
    const code = kind === 0x75 /* u */ ? hexAt(bytes, at + 2) : undefined
    if (code === undefined) return at + 2
    if (!isSurrogate(code)) {
      if (isCharacter(code)) return at + 6
    } else if (code < 0xdc00 && bytes.startsWith('\\u', at + 6)) {
      const next = hexAt(bytes, at + 8) ?? 0
      if (isSurrogate(next) && next >= 0xdc00) return at + 12
    }
    this.#edit.replaceEscape(at)
    return at + 6
  }

  #number(start: number): number {
    const end = afterNumber(this.#bytes, start)
    if (end === undefined) return start + 1
    // With quotes, a number in the place of a name would be valid.
    const isName = this.#bytes.charCodeAt(afterBlanks(this.#bytes, end)) === COLON
    if (isName || this.#item?.isOversize === true) return end
    this.#edit.insert(start, QUOTE)
    this.#edit.insert(end, QUOTE)
    return end
  }

  #count(): void {
    this.#nodes += 1
    if (this.#listDepth === 0) {
      this.#beside += 1
      if (this.#beside > MAX_CLIENT_FIELDS) throw tooManyFields()
    }
    if (this.#nodes <= this.#maxNodes) return
    if (this.#item === undefined) throw tooManyNodes()
    this.#item.isOversize = true
    this.#maxNodes = Number.POSITIVE_INFINITY
  }

  #comma(at: number): void {
    this.#count()
    const item = this.#item
    if (item === undefined || item.depth !== this.#depth) return
    if (at - item.start > FIRST_BYTES || this.#nodes - item.nodesBefore > FIRST_NODES) return
    item.cut = at
    item.inserted = this.#edit.inserted
    item.replaced = this.#edit.replaced
  }

  #open(at: number, byte: number): void {
    this.#count()
    this.#depth += 1
    const depth = this.#depth
    if (depth > MAX_DEPTH) throw tooDeep()
    if (this.#listDepth === 0) {
      if (byte === OPEN_LIST) this.#listDepth = depth
      else this.#values.open(depth)
    } else if (depth === this.#listDepth + 1 && byte === OPEN_OBJECT) {
      const { inserted, replaced } = this.#edit
      this.#item = { start: at, depth, nodesBefore: this.#nodes, isOversize: false, cut: at, inserted, replaced }
      this.#maxNodes = this.#nodes + MAX_CLIENT_FIELDS
    }
  }

  #close(at: number, byte: number): void {
    const item = this.#item
    if (item?.depth === this.#depth && byte === CLOSE_OBJECT) {
      if (item.isOversize || at - item.start > MAX_CLIENT_BYTES) this.#shorten(item, at + 1)
      this.#item = undefined
      this.#maxNodes = MAX_NODES
      if (this.#nodes > MAX_NODES) throw tooManyNodes()
    }
    if (this.#listDepth === this.#depth) this.#listDepth = 0
    this.#depth -= 1
  }

  /** Keeps the first fields of the item. */
  #shorten(item: Item, end: number): void {
    const { start, cut, nodesBefore } = item
    const text = oversizeText(end - start, hash('sha256', this.#body.subarray(start, end), 'base64url'))
    const field = `${cut === start ? '{' : ','}${JSON.stringify(OVERSIZE)}:${JSON.stringify(text)}}`
    this.#edit.replaceFrom(cut, item, field, end)
    this.#nodes = nodesBefore + FIRST_NODES
  }
}
