import type { ClientRecord } from '../../client-source.ts'

/** One element of a document in either format. Decoded lazily. */
export interface DocumentNode {
  /** Local name, without namespace prefix; empty at the root of a JSON document. */
  readonly name: string
  /** `absent`: null or nil. `text`: a leaf. `object`: has named children. `list`: a JSON array; items bear its name. */
  readonly kind: 'absent' | 'text' | 'object' | 'list'
  /** The verbatim text of a leaf; empty for other kinds. */
  text(): string
  /** The texts in the node and below it, also beside attributes and child elements; a leaf begins a line. */
  allText(): string
  /** The children of an object or a list. */
  children(): readonly DocumentNode[]
}

/** One element of a response that may be a page. */
export interface AnswerNode extends DocumentNode {
  children(): readonly AnswerNode[]
  /** The node as a client: leaves keep their text, absent values are left out. Empty if the node is not an object. */
  client(): ClientRecord
}

/** The root of a well-formed document. */
export interface AnswerRoot extends AnswerNode {
  /** Number of references to characters that XML forbids, which were decoded to U+FFFD. */
  readonly replacedCharacters: number
}

/** Deeper nesting is rejected: no client needs it, and it could overflow the stack. */
export const MAX_DEPTH = 64

/** Names of a page, compared without case. */
export const FLAG = 'hasmoreresults'
export const TOKEN = 'checkpoint'

/** Whether the local name is the type name of a client, with or without a dotted class name before it. */
export function isInfoClientName(name: string): boolean {
  return name.length >= 'InfoClient'.length && /(?:^|\.)InfoClient$/i.test(name)
}

/** Whether the local name is that of the flag. */
export function isFlagName(name: string): boolean {
  return name.length === FLAG.length && name.toLowerCase() === FLAG
}
