import type { ClientRecord } from './client-source.ts'

/** One element of an answer, whatever its format; as lazy as it can be. */
export interface AnswerNode {
  /** Its own name, without namespace prefix; empty at the top of JSON. */
  readonly name: string
  /** `absent`: null or nil. `text`: a leaf. `object`: has named children. `list`: a JSON array, its items under its own name. */
  readonly kind: 'absent' | 'text' | 'object' | 'list'
  /** A leaf's verbatim text; empty of others. */
  text(): string
  /** What an object or a list holds. */
  children(): readonly AnswerNode[]
  /** The node as a client: every leaf its own text, what is absent left out; empty when the node is no object. */
  client(): ClientRecord
}

/** Deeper nesting is refused: nothing that is a client needs it, and it would cost the stack. */
export const MAX_DEPTH = 64
