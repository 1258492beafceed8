import { ConnectorError } from '../runtime/connector-error.ts'
import type { AnswerNode } from './answer-node.ts'
import type { CheckPoint, ClientRecord, Page } from './client-source.ts'
import { findClients } from './find-clients.ts'

/** What an answer says, without what is known from around it. */
export type PageContent = Pick<Page, 'clients' | 'hasMoreResults' | 'checkPoint'>

const malformed = (why: string) => new ConnectorError('source.answer-malformed', `decode page: ${why}`)

/** How deep the page may be wrapped. */
const WRAPPERS = 3
const FLAG = 'hasmoreresults'
const TOKEN = 'checkpoint'

/**
 * The page in a decoded answer, wherever it is wrapped. Invariant 9: throws unless it is one. `clientsField`: dotted path of the list of
 * clients in the page, undefined to recognise it.
 */
export function decodePage(root: AnswerNode, clientsField: string | undefined): PageContent {
  const page = findPage([root], FLAG)
  if (page === undefined) throw notAPage(root, clientsField)
  const fields = page.children()
  const hasMoreResults = flagOf(only(fields, FLAG))
  const checkPoint = tokenOf(only(fields, TOKEN))
  if (hasMoreResults && checkPoint === null) throw malformed('more results but no checkPoint')
  const others = fields.filter((field) => !isOfEnvelope(field))
  const clients = findClients(others, clientsField).map(clientOf)
  if (clients.length === 0 && others.some(tellsOfError)) {
    throw new ConnectorError('source.error-document', 'decode page: a page without clients that tells of an error')
  }
  return { clients, hasMoreResults, checkPoint }
}

const isNamed = (node: AnswerNode, name: string) => node.name.toLowerCase() === name
const isOfEnvelope = (node: AnswerNode) => isNamed(node, FLAG) || isNamed(node, TOKEN)

/** A field such as `Error` with something in it: its empty page is not the truth. */
function tellsOfError(field: AnswerNode): boolean {
  const isEmpty = field.kind !== 'text' || /^\s*(?:0|false|none|null|ok)?\s*$/i.test(field.text())
  return !isEmpty && /err(?:or|eur)|exception|fault/i.test(field.name)
}

/** The outermost object that has a field of that name. */
function findPage(nodes: readonly AnswerNode[], field: string, wrappers = WRAPPERS): AnswerNode | undefined {
  const objects = nodes.filter((node) => node.kind === 'object')
  const children = objects.map((node) => node.children())
  const at = children.findIndex((fields) => fields.some((child) => isNamed(child, field)))
  if (at !== -1) return objects[at]
  return objects.length === 0 || wrappers === 0 ? undefined : findPage(children.flat(), field, wrappers - 1)
}

/** The field of that name; of several equal ones the first. */
function only(fields: readonly AnswerNode[], name: string): AnswerNode | undefined {
  const [field, ...others] = fields.filter((child) => isNamed(child, name))
  if (others.some((other) => other.kind !== field?.kind || other.text() !== field.text())) {
    throw malformed(`several ${name === FLAG ? 'hasMoreResults' : 'checkPoint'} that differ`)
  }
  return field
}

const flags: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

function flagOf(field: AnswerNode | undefined): boolean {
  const text = field?.kind === 'text' ? field.text().trim().toLowerCase() : ''
  const flag = Object.hasOwn(flags, text) ? flags[text] : undefined
  if (flag === undefined) throw malformed('hasMoreResults is neither true nor false')
  return flag
}

/** Invariant 5: verbatim. */
function tokenOf(field: AnswerNode | undefined): CheckPoint | null {
  if (field === undefined || field.kind === 'absent') return null
  if (field.kind !== 'text') throw malformed('checkPoint is not a text')
  const text = field.text()
  if (!text.isWellFormed()) throw malformed('checkPoint has half a character, which cannot be sent back')
  return text === '' ? null : (text as CheckPoint)
}

function clientOf(item: AnswerNode, at: number): ClientRecord {
  const isEmpty = item.kind === 'absent' || (item.kind === 'text' && item.text().trim() === '')
  if (item.kind === 'object' || isEmpty) return item.client()
  throw malformed(`item ${at + 1} of the list of clients is not a client`)
}

const errorWords = /err(?:or|eur)|exception|fault|message/i

/** What came instead: a page without its flag, an error document, or something else. */
function notAPage(root: AnswerNode, clientsField: string | undefined): ConnectorError {
  const names = namesOf(root, 2)
  const isPart = (name: string) => [TOKEN, 'infoclient', clientsField?.toLowerCase()].includes(name.toLowerCase())
  if (root.kind === 'list' || names.some(isPart)) return malformed('hasMoreResults is missing')
  const isScalar = root.kind === 'text' && root.text().trim() !== ''
  return isScalar || names.some((name) => errorWords.test(name))
    ? new ConnectorError('source.error-document', 'decode page: an error document instead of a page')
    : new ConnectorError('source.answer-not-a-page', 'decode page: a document without a page')
}

function namesOf(node: AnswerNode, levels: number): string[] {
  if (levels === 0) return [node.name]
  return [node.name, ...node.children().flatMap((child) => namesOf(child, levels - 1))]
}
