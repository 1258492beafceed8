import { ConnectorError } from '../../runtime/connector-error.ts'
import type { JsonObject, JsonValue } from './json-record.ts'

/** Parses one JSON document in parts of any size. */
export interface JsonItems {
  /** Throws what `parse` throws. */
  write(part: string): void
  /** The document. Throws `source.answer-truncated` if it ends early, or else what `parse` throws. */
  end(): JsonValue
}

export const endsEarly = (length: number) =>
  new ConnectorError('source.answer-truncated', `decode json: the document ends early, after ${length} characters`)

/**
 * Cuts out the objects and lists in each outermost list and parses them one by one. A list with the number of the item
 * takes its place. The frame that remains is valid JSON if and only if the document is, and has no other list in a list.
 */
export function jsonItems(parse: (text: string) => JsonValue): JsonItems {
  const items: JsonValue[] = []
  const frame: string[] = []
  const find = itemFinder()
  let item = ''
  let length = 0

  const write = (part: string) => {
    length += part.length
    for (let from = 0; from < part.length; ) {
      const wasInItem = find.isInItem()
      const to = find.next(part, from)
      const text = part.slice(from, to)
      from = to
      if (!wasInItem) {
        if (find.isInItem()) {
          frame.push(text.slice(0, -1), `[${items.length}]`)
          item = text.slice(-1)
        } else frame.push(text)
      } else {
        item += text
        if (find.isInItem()) continue
        items.push(parse(item))
        item = ''
      }
    }
  }
  const end = () => {
    if (find.isOpen()) throw endsEarly(length)
    const document = parse(frame.join(''))
    putItems(document, items)
    return document
  }
  return { write, end }
}

/** Replaces the number of each item by the item. */
function putItems(frame: JsonValue, items: readonly JsonValue[]): void {
  if (frame === null || typeof frame !== 'object') return
  if (!Array.isArray(frame)) {
    for (const value of Object.values(frame as JsonObject)) putItems(value, items)
    return
  }
  const list: JsonValue[] = frame
  for (const [at, entry] of list.entries()) if (Array.isArray(entry)) list[at] = items[Number(entry[0])] ?? null
}

interface ItemFinder {
  /** The index after the first bracket of the next item, after the last one of the current item, or else the length. */
  next(part: string, from: number): number
  /** Whether the text after the last index belongs to an item. */
  isInItem(): boolean
  /** Whether an object, a list or a string is still open. */
  isOpen(): boolean
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Hot path. Does not compare the kinds of brackets; the parser does. */
function itemFinder(): ItemFinder {
  let openOutside = 0
  let openInItem = 0
  let isInList = false
  let isInString = false
  let isEscaped = false

  /** Whether an item begins with this bracket. */
  const opens = (code: number) => {
    if (openInItem === 0 && !isInList) {
      openOutside += 1
      isInList = code === OPEN_LIST
      return false
    }
    openInItem += 1
    return openInItem === 1
  }
  /** Whether an item ends with this bracket. */
  const closes = () => {
    if (openInItem > 0) {
      openInItem -= 1
      return openInItem === 0
    }
    openOutside -= 1
    isInList = false
    return false
  }
  const next = (part: string, from: number) => {
    for (let at = from; at < part.length; at += 1) {
      const code = part.charCodeAt(at)
      if (isEscaped) isEscaped = false
      else if (isInString) {
        if (code === QUOTE) isInString = false
        else if (code === BACKSLASH) isEscaped = true
      } else if (code === QUOTE) isInString = true
      else if (code === OPEN_OBJECT || code === OPEN_LIST) {
        if (opens(code)) return at + 1
      } else if ((code === CLOSE_OBJECT || code === CLOSE_LIST) && closes()) return at + 1
    }
    return part.length
  }
  return { next, isInItem: () => openInItem > 0, isOpen: () => isInString || openInItem > 0 || openOutside > 0 }
}
