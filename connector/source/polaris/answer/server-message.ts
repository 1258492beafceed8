import type { AnswerNode } from '../decode/answer-node.ts'
import { formatOf } from '../decode/decode-answer.ts'
import { decodeJson } from '../decode/decode-json.ts'
import { decodeText } from '../decode/decode-text.ts'
import { readLeniently } from '../decode/lenient-xml.ts'
import type { HttpAnswer } from '../http/http-caller.ts'

/** What a response says that is not a page. Only for decisions: no text of it leaves this folder or `session/`. */
export interface ServerMessage {
  /** The beginning of the body. */
  readonly body: string
  /** The root of XML, well-formed or not, or of JSON; undefined for other text. */
  readonly root: AnswerNode | undefined
  /** Those of its elements or fields; of other text, the lines without markup. */
  readonly texts: readonly string[]
}

/** What an error says stands at the beginning. */
const READ_BYTES = 64 * 1024

export function serverMessage({ body: bytes, contentType }: Pick<HttpAnswer, 'body' | 'contentType'>): ServerMessage {
  const body = beginningOf(bytes, contentType)
  const root = rootOf(body)
  return { body, root, texts: root === undefined ? body.replace(/<[^<>]*>/g, '\n').split('\n') : textsOf(root) }
}

/** The beginning may end within a character; other bytes that are not in the declared encoding are most often Windows'. */
function beginningOf(bytes: Buffer, contentType: string | undefined): string {
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

/** The texts in the node and below it, also beside attributes and child elements. */
export function textsOf({ text, children }: AnswerNode): string[] {
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
