/** One element of a document in either format. */
export interface AnswerNode {
  /** Local name, without namespace prefix; empty at the root of a JSON document. */
  readonly name: string
  /** `absent`: null or nil. `text`: a leaf. `object`: has named children. `list`: a JSON array; items bear its name. */
  readonly kind: 'absent' | 'text' | 'object' | 'list'
  /** The verbatim text of a leaf; of an object, the text beside its attributes and child elements; else empty. */
  readonly text: string
  /** The attributes and child elements, fields or items; empty for a leaf. */
  readonly children: readonly AnswerNode[]
}

/** A well-formed document. */
export interface AnswerDocument {
  readonly root: AnswerNode
  /** Number of characters that XML forbids, which were decoded to U+FFFD. */
  readonly replacedCharacters: number
}

export const noChildren: readonly AnswerNode[] = []

/** Names of a page, compared without case. */
export const FLAG = 'hasmoreresults'
export const TOKEN = 'checkpoint'

/** Whether the local name is the type name of a client, with or without a dotted class name before it. */
export const isInfoClientName = (name: string) => /(?:^|\.)InfoClient$/i.test(name)
