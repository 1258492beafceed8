import type { AnswerNode } from '../answer-node.ts'
import type { Field } from './page-fields.ts'

/** An error word, alone or run together with what it describes: `Erreur`, `errorcode`, `faultstring`. */
const errorWord =
  /^(?:code|texte?|messages?)?(?:errors?|erreurs?|exceptions?|faults?)(?:codes?|messages?|texte?|string)?$/
const noError = /^(?:[+-]?0+(?:[.,]0+)?|false|null|none|ok)$/
const successName = /succ[eè]ss?$/i
/** Names and values that report an error are at most this long. */
const LONGEST = 64

/** Returns the words of a name, in lower case: separators and capitals divide them. */
function wordsOf(name: string) {
  if (name.length > LONGEST) return []
  return (name.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+/gu) ?? []).map((word) => word.toLowerCase())
}

/** Whether the name says, with a whole word, that a field or a document reports an error. */
export const isErrorName = (name: string) => wordsOf(name).some((word) => errorWord.test(word))

/** Lower-case names or dotted paths of fields to disregard. */
type StatusFields = ReadonlySet<string>

/** Returns the first of these fields that reports an error: by its name and its content, of any shape. */
export function reportedError(fields: readonly Pick<Field, 'name' | 'items'>[], statusFields: StatusFields) {
  return fields.find(({ name, items }) =>
    successName.test(name)
      ? !isDisregarded(name, statusFields) && items.some(isFalse)
      : isErrorName(name) && items.some((item) => hasContent(item, name, statusFields)),
  )
}

const isDisregarded = (path: string, statusFields: StatusFields) => statusFields.has(path.toLowerCase())
const isFalse = (field: AnswerNode) => field.kind === 'text' && /^(?:false|0)$/i.test(shortText(field))

/** Whether a leaf has a text that does not just say that there is no error. */
function hasContent(node: AnswerNode, path: string, statusFields: StatusFields): boolean {
  if (node.kind === 'absent' || isDisregarded(path, statusFields)) return false
  if (node.kind === 'text') return /\S/.test(node.text) && !noError.test(shortText(node).toLowerCase())
  const isList = node.kind === 'list'
  return node.children.some((child) => hasContent(child, isList ? path : `${path}.${child.name}`, statusFields))
}

const shortText = (node: AnswerNode) => node.text.slice(0, LONGEST).trim()
