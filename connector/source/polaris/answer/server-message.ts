import { type AnswerNode, allText, isFlagName } from '../decode/answer-node.ts'
import { formatOf } from '../decode/decode-answer.ts'
import { decodeJson } from '../decode/decode-json.ts'
import { decodeBeginning, decodeText } from '../decode/decode-text.ts'
import { readLeniently } from '../decode/lenient-xml.ts'
import { isErrorName, isMessageName } from '../decode/page/reported-error.ts'
import type { HttpAnswer } from '../http/http-caller.ts'

/** What a response says that is not a page. Only for decisions: no text of it leaves this folder or `session/`. */
export interface ServerMessage {
  /** The beginning of the body. */
  readonly body: string
  /** The root of XML, well-formed or not, or of JSON; undefined for other text. */
  readonly root: AnswerNode | undefined
  /**
   * What it says to a person, without markup and names of fields; a leaf of a document begins a line. Of a page: only its
   * errors and messages, since a client may contain any word.
   */
  readonly text: string
}

/** What a person is told stands at the beginning. */
const READ_BYTES = 64 * 1024

/** Of a longer body, XML and HTML are read up to there; other text is no message for a person. */
export function serverMessage({ body, contentType }: Pick<HttpAnswer, 'body' | 'contentType'>): ServerMessage {
  const isWhole = body.length <= READ_BYTES
  const beginning = isWhole
    ? textOfBody(body, contentType, decodeText)
    : textOfBody(body.subarray(0, READ_BYTES), contentType, decodeBeginning)
  const format = isHtml(beginning) ? 'html' : (formatOf(beginning) ?? 'text')
  switch (format) {
    case 'html':
      return { body: beginning, root: undefined, text: beginning.replace(/<[^<>]*>/g, '\n') }
    case 'text':
      return { body: beginning, root: undefined, text: isWhole ? beginning : '' }
    case 'json': {
      const root = isWhole ? jsonRoot(beginning) : undefined
      return { body: beginning, root, text: root === undefined ? '' : messageIn(root, { isWhole }) }
    }
    case 'xml': {
      const root = readLeniently(isWhole ? beginning : beginning.slice(0, beginning.lastIndexOf('>') + 1))
      return { body: beginning, root, text: root === undefined ? '' : messageIn(root, { isWhole }) }
    }
  }
}

/** A message whose bytes are not in the declared encoding is most often in a Windows code page. */
function textOfBody(body: Buffer, contentType: string | undefined, decode: typeof decodeText): string {
  try {
    return decode(body, contentType)
  } catch {
    return body.toString('latin1')
  }
}

function jsonRoot(text: string): AnswerNode | undefined {
  try {
    return decodeJson(text).root
  } catch {
    return undefined
  }
}

/** Maximum number of elements around the page. */
const WRAPPERS = 3

/** Levels below the root with the fault of a SOAP envelope; clients are deeper. */
const FAULT_LEVELS = 2

function messageIn(root: AnswerNode, { isWhole }: { readonly isWhole: boolean }): string {
  const page = pageIn([root], WRAPPERS)
  if (page !== undefined) return reportedIn(page, 1).join('\n')
  // What follows may make it a page.
  return isWhole ? allText(root) : reportedIn(root, FAULT_LEVELS).join('\n')
}

/** The texts of the outermost errors and messages. */
function reportedIn(node: AnswerNode, levels: number): string[] {
  if (isErrorName(node.name) || isMessageName(node.name)) return [allText(node)]
  return levels === 0 ? [] : node.children.flatMap((child) => reportedIn(child, levels - 1))
}

function pageIn(nodes: readonly AnswerNode[], wrappers: number): AnswerNode | undefined {
  const page = nodes.find((node) => node.children.some(({ name }) => isFlagName(name)))
  if (page !== undefined || wrappers === 0 || nodes.length === 0) return page
  return pageIn(
    nodes.flatMap((node) => node.children),
    wrappers - 1,
  )
}

/** The texts of the leaves. */
export function textsOf(node: AnswerNode): string[] {
  return node.kind === 'text' ? [node.text] : node.children.flatMap(textsOf)
}

// Recognise, by words, what a response says. The texts are those of a `ServerMessage`, so their length is limited.

export function isHtml(text: string): boolean {
  const start = text.slice(0, 2000)
  return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head|body)\b/i.test(start)
}

const passwordField = /<input\b[^>]{0,500}\btype\s*=\s*["']?password\b/i
const loginForm = /<form\b[^>]{0,500}\b(?:login|logon|connexion|identification)/i

/** Whether the text is an HTML page that asks for a password. */
export function isLoginPage(text: string): boolean {
  return isHtml(text) && (passwordField.test(text) || loginForm.test(text))
}

const loggedOutWords =
  /session|log(?:ged)?[\s-]?(?:in|out|on)\b|authenti[fc]|identifi(?:ez|é|cation)|(?:non|pas|not)\s+connect|unauthori[sz]ed|d[eé]connect/i

const troubleWords =
  /\bsql\b|database|base\s+de\s+donn|\bodbc\b|\bole\s?db\b|network\s+path|chemin\s+r[eé]seau|^[ \t]*(?:at|à)\s+[\w.`<>]+\(/im

/** Whether the message is about the inside of the server, such as its database or a stack trace. */
function isAboutServer(text: string): boolean {
  return troubleWords.test(text)
}

/** Whether the message reports that there is no session, or that it has expired. */
export function saysLoggedOut(text: string): boolean {
  return loggedOutWords.test(text) && !isAboutServer(text)
}

const rights = /(?:consultation|saisie)\s+des\s+membres/i
const forbiddenWords =
  /droits?\b[^.<]{0,40}\b(?:insuffisant|requis|n[eé]cessaire|manquant)|acc[eè]s\s+(?:refus|interdit)|access\s+(?:is\s+)?denied|permission/i

/** Whether the message names a right that is required to read clients. */
export function namesRights(text: string): boolean {
  return rights.test(text)
}

/** Whether the message reports missing permissions. */
export function saysForbidden(text: string): boolean {
  return namesRights(text) || (forbiddenWords.test(text) && !isAboutServer(text))
}

const credentialWords = /mot\s+de\s+passe|password|utilisateur|\buser|credential|identifiant|log[io]n/i

/** Whether the message reports that the user or the password is wrong, and nothing else. */
export function saysWrongCredentials(text: string): boolean {
  return credentialWords.test(text) && !isAboutServer(text)
}

const passwordWords =
  /mot\s+de\s+passe|passw(?:or)?d|credential|identifiant|(?:utilisateur|user)\s+(?:inconnu|unknown|not\s+found)|login\s+failed/i

/** Whether the message mentions a password. The error pages of IIS always mention a user. */
export function mentionsPassword(text: string): boolean {
  return passwordWords.test(text)
}
