import { createRequire } from 'node:module'
import type { XMLParser } from 'fast-xml-parser'
import { AnswerNode } from '../decode/answer-node.ts'
import { decodeJson, formatOf } from '../decode/decode-answer.ts'
import { decodeText } from '../decode/decode-text.ts'
import type { HttpAnswer } from '../http/http-caller.ts'

/** What a response says that is not a page. Only for decisions: no text of it leaves this folder or `session/`. */
export interface ServerMessage {
  /** The beginning of the body. */
  readonly body: string
  /** The root of XML, well-formed or not, or of JSON; undefined for other text. */
  readonly root: AnswerNode | undefined
  /** The texts of its elements or fields; of other text, the lines without markup. */
  readonly texts: readonly string[]
}

/** A server says what is wrong at the beginning of its answer. */
const READ_BYTES = 64 * 1024

export function serverMessage({ body: bytes, headers }: HttpAnswer): ServerMessage {
  const body = beginningOf(bytes, headers['content-type'])
  const root = rootOf(body)
  return { body, root, texts: root === undefined ? body.replace(/<[^<>]*>/g, '\n').split('\n') : textsOf(root) }
}

/**
 * Decodes the beginning, which may end within a character; other bytes that are not in the declared encoding are most
 * often Windows'.
 */
function beginningOf(bytes: Buffer, contentType: string | undefined) {
  const beginning = bytes.subarray(0, READ_BYTES)
  try {
    return decodeText(beginning, contentType)
  } catch {
    return beginning.toString('latin1')
  }
}

function rootOf(body: string): AnswerNode | undefined {
  if (isHtml(body)) return undefined
  const format = formatOf(body)
  if (format === 'xml') return readLeniently(body.slice(0, body.lastIndexOf('>') + 1))
  try {
    return format === undefined ? undefined : decodeJson(body).root
  } catch {
    return undefined
  }
}

/** Returns the texts in the node and below it, also beside attributes and child elements. */
function textsOf({ text, children }: AnswerNode): string[] {
  return [...(text === '' ? [] : [text]), ...children.flatMap(textsOf)]
}

export function isHtml(text: string): boolean {
  const start = text.slice(0, 2000)
  return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head|body)\b/i.test(start)
}

/** Whether the text is an HTML page that asks for a password. */
export function isLoginPage(text: string): boolean {
  return isHtml(text) && /<input\b[^>]{0,500}\btype\s*=\s*["']?password\b/i.test(text)
}

const load = createRequire(import.meta.url)

/** Loads the parser with the first document that is no page: it takes 4 MB. */
function loadedParser(): XMLParser {
  const { XMLParser: Parser }: { XMLParser: typeof XMLParser } = load('fast-xml-parser')
  return new Parser({
    parseTagValue: false,
    trimValues: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    removeNSPrefix: true,
    htmlEntities: true,
  })
}

let parser: XMLParser | undefined

/**
 * Reads what a document says that is not a page, without its attributes, even if it is not well-formed: unknown
 * entities stay as they are, and elements without an end tag end with the document. Undefined if there is a DOCTYPE or
 * the parser finds no element.
 */
function readLeniently(text: string): AnswerNode | undefined {
  if (/<!DOCTYPE/i.test(text)) return undefined
  parser ??= loadedParser()
  try {
    return new AnswerNode('', parser.parse(text)).children[0]
  } catch {
    return undefined
  }
}

/** A .NET type, such as `System.TimeoutException`. Every repetition is limited, so that the search is linear. */
const TYPE = String.raw`(?:[A-Z]\w{0,60}\.){1,8}[A-Z]\w{0,60}Exception`
const exceptionTypes = new RegExp(String.raw`(?:---> {0,3}|\b)(${TYPE})\b`, 'g')

/** The codes of SOAP, and those of a subsystem in CamelCase. A name of a person is neither. */
const faultCode =
  /^(?:[A-Za-z]\w{0,15}:)?(?:Client|Server|Sender|Receiver|VersionMismatch|MustUnderstand|(?:[A-Z][a-z]{1,30}){2,6})$/

/**
 * Returns the type of the exception that a response names, or else the code of its SOAP fault; undefined if there is
 * none. Invariant 8: never other text.
 */
export function faultIn({ root, texts }: ServerMessage): string | undefined {
  return exceptionType(texts) ?? (root && codeOfFault(root))
}

/** Returns the innermost exception: in WCF's details its type comes first, in a text it follows the last arrow. */
function exceptionType(texts: readonly string[]): string | undefined {
  const found = texts.flatMap((text) => [...text.matchAll(exceptionTypes)])
  return (found.findLast(([whole]) => whole.startsWith('--->')) ?? found[0])?.[1]
}

const SOAP_LEVELS = 4

/**
 * Returns the code of a fault: `faultcode` in SOAP 1.1, the innermost `Value` of `Code` below `Fault` in SOAP 1.2. Any
 * other `Code` may be a name.
 */
function codeOfFault(node: AnswerNode, levels = SOAP_LEVELS, isInFault = false): string | undefined {
  if (node.name === 'faultcode' || (isInFault && node.name === 'Code')) {
    const code = textsOf(node).findLast((text) => faultCode.test(text.trim()))
    if (code !== undefined) return code.trim()
  }
  if (levels === 0) return undefined
  const isFault = isInFault || node.name === 'Fault'
  return node.children.map((child) => codeOfFault(child, levels - 1, isFault)).find((code) => code !== undefined)
}
