import type { AnswerNode } from '../decode/answer-node.ts'
import { type ServerMessage, textsOf } from './server-message.ts'

/** A .NET type, such as `System.TimeoutException`. Every repetition is limited, so that the search is linear. */
const TYPE = String.raw`(?:[A-Z]\w{0,60}\.){1,8}[A-Z]\w{0,60}Exception`
const typeAlone = new RegExp(String.raw`^\s*(${TYPE})\s*$`)
const typeInText = new RegExp(String.raw`(?:---> {0,3}|\b)(${TYPE})\b`, 'g')

/** The codes of SOAP, and those of a subsystem in CamelCase. A name of a person is neither. */
const faultCode =
  /^(?:[A-Za-z]\w{0,15}:)?(?:Client|Server|Sender|Receiver|VersionMismatch|MustUnderstand|(?:[A-Z][a-z]{1,30}){2,6})$/

/**
 * The type of the exception that a response names, or else the code of its SOAP fault; undefined if there is none.
 * Invariant 8: never other text.
 */
export function faultIn({ root, texts }: ServerMessage): string | undefined {
  return exceptionType(texts) ?? (root && codeOfFault(root))
}

/** The innermost exception: in WCF's details its type comes first, in a text it follows the last arrow. */
function exceptionType(texts: readonly string[]): string | undefined {
  const alone = texts.map((text) => typeAlone.exec(text)?.[1]).find((type) => type !== undefined)
  if (alone !== undefined) return alone
  const found = texts.flatMap((text) => [...text.matchAll(typeInText)])
  return (found.findLast(([whole]) => whole.startsWith('--->')) ?? found[0])?.[1]
}

const SOAP_LEVELS = 4

/** `faultcode` in SOAP 1.1, the innermost `Value` of `Code` in SOAP 1.2. */
function codeOfFault(node: AnswerNode, levels = SOAP_LEVELS): string | undefined {
  if (node.name === 'faultcode' || node.name === 'Code') {
    const code = textsOf(node).findLast((text) => faultCode.test(text.trim()))
    if (code !== undefined) return code.trim()
  }
  if (levels === 0) return undefined
  return node.children.map((child) => codeOfFault(child, levels - 1)).find((code) => code !== undefined)
}
