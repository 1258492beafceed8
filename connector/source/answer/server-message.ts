import type { DocumentNode } from '../decode/answer-node.ts'
import { decodeAnswer, formatOf } from '../decode/decode-answer.ts'
import { decodeBeginning, decodeText } from '../decode/decode-text.ts'
import { clientShape } from '../decode/field-shape.ts'
import { type LenientNode, readLeniently } from '../decode/lenient-xml.ts'
import { isErrorName, isMessageName } from '../decode/page/reported-error.ts'
import { isFlagName } from '../decode/page-names.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import { isHtml } from './answer-text.ts'

/** What a response says that is not a page. Only for decisions: no text of it leaves this folder or `session/`. */
export interface ServerMessage {
  /** The beginning of the body. */
  readonly body: string
  /** The root of XML, well-formed or not, or of JSON; undefined for other text. */
  readonly root: DocumentNode | undefined
  /**
   * What it says to a person, without markup and names of fields; a leaf of a document begins a line. Of a page: only its
   * errors and messages, since a client may contain any word.
   */
  readonly text: string
}

/** XML and HTML are read up to here; other text that is longer is no message for a person. */
const MESSAGE_BYTES = 64 * 1024

export function serverMessage({ body, contentType }: Pick<HttpAnswer, 'body' | 'contentType'>): ServerMessage {
  const beginning = beginningOf(body, contentType)
  const format = isHtml(beginning) ? 'html' : (formatOf(beginning) ?? 'text')
  const isWhole = body.length <= MESSAGE_BYTES
  switch (format) {
    case 'html':
      return { body: beginning, root: undefined, text: beginning.replace(/<[^<>]*>/g, '\n') }
    case 'text':
      return { body: beginning, root: undefined, text: isWhole ? beginning : '' }
    case 'json': {
      const root = isWhole ? jsonRoot(beginning) : undefined
      return { body: beginning, root, text: root === undefined ? '' : messageIn(root) }
    }
    case 'xml': {
      const root = readLeniently(isWhole ? beginning : beginning.slice(0, beginning.lastIndexOf('>') + 1))
      return { body: beginning, root, text: root === undefined ? '' : messageIn(root) }
    }
  }
}

/** A message whose bytes are not in the declared encoding is most often in a Windows code page. */
function beginningOf(body: Buffer, contentType: string | undefined): string {
  try {
    if (body.length <= MESSAGE_BYTES) return decodeText(body, contentType)
    return decodeBeginning(body.subarray(0, MESSAGE_BYTES), contentType)
  } catch {
    return body.toString('latin1', 0, MESSAGE_BYTES)
  }
}

const settings = { shape: clientShape([], () => undefined), timeZone: 'UTC' }

function jsonRoot(text: string): DocumentNode | undefined {
  try {
    return decodeAnswer(text, settings)
  } catch {
    return undefined
  }
}

/** Maximum number of elements around the page. */
const WRAPPERS = 3

function messageIn(root: DocumentNode): string {
  const page = pageIn([root], WRAPPERS)
  if (page === undefined) return textOf(root)
  const fields = page.children().filter(({ name }) => isErrorName(name) || isMessageName(name))
  return fields.map(textOf).join('\n')
}

function pageIn(nodes: readonly DocumentNode[], wrappers: number): DocumentNode | undefined {
  const page = nodes.find((node) => node.children().some(({ name }) => isFlagName(name)))
  if (page !== undefined || wrappers === 0 || nodes.length === 0) return page
  return pageIn(
    nodes.flatMap((node) => node.children()),
    wrappers - 1,
  )
}

const textOf = (node: DocumentNode | LenientNode) => ('allText' in node ? node.allText() : textsOf(node).join('\n'))

/** The texts of the leaves. */
export function textsOf(node: DocumentNode): string[] {
  return node.kind === 'text' ? [node.text()] : node.children().flatMap(textsOf)
}
