import { ConnectorError } from '../../../../runtime/connector-error.ts'
import { type CheckPoint, type ClientRecord, type OutputFormat, type Page, shownName } from '../../../client-source.ts'
import type { HttpAnswer } from '../../http/http-caller.ts'
import { type AnswerDocument, type AnswerNode, FLAG, TOKEN } from '../answer-node.ts'
import { recordMaker } from '../client-record.ts'
import { decodeAnswer, formatOf } from '../decode-answer.ts'
import { decodeText } from '../decode-text.ts'
import { limitClients } from '../page-limits.ts'
import { findClients } from './find-clients.ts'
import { isErrorName, reportedError } from './reported-error.ts'

/** The part of a page that the body contains. */
export interface PageContent extends Pick<Page, 'clients' | 'hasMoreResults' | 'checkPoint' | 'path'> {
  /** Number of characters that XML forbids, which were decoded to U+FFFD. */
  readonly replacedCharacters: number
}

/** What is configured, or known, about the fields of a page. */
export interface PageSettings {
  /** IANA name of the server's time zone. */
  readonly timeZone: string
  /** The clients are here, as configured or known from earlier pages; undefined: they are detected. */
  readonly clientsPath?: readonly string[] | undefined
  /** Names or dotted paths of fields that look like an error but are none. */
  readonly statusFields?: readonly string[] | undefined
}

/**
 * Decodes a whole body (docs/decisions/20261127-decoding-a-page.md). Throws `source.*` unless it is a page in the
 * format.
 */
export function decodeBody({ body, headers }: HttpAnswer, output: OutputFormat, settings: PageSettings): PageContent {
  const text = decodeText(body, headers['content-type'])
  const content = decodePage(decodeAnswer(text), settings)
  if (formatOf(text) !== output) throw malformedError(`the response is not in the requested format, ${output}`)
  return content
}

const malformedError = (why: string) => new ConnectorError('source.answer-malformed', `decode page: ${why}`)

/** Maximum number of elements around the page. */
const WRAPPERS = 3

/** Finds the page in a decoded response. Invariant 9: throws unless it is a complete page without an error in it. */
export function decodePage({ root, replacedCharacters }: AnswerDocument, settings: PageSettings): PageContent {
  const page = findPage([{ node: root, beside: () => [] }])
  if (page === undefined) throw noPageError(root)
  const fields = page.node.children
  const hasMoreResults = flagOf(onlyField(fields, FLAG))
  const checkPoint = tokenOf(onlyField(fields, TOKEN), replacedCharacters)
  const others = fields.filter((field) => !isOfEnvelope(field))
  const statusFields = new Set(settings.statusFields?.map((name) => name.toLowerCase()))
  mustReportNoError(reportedError([...others, ...page.beside()], statusFields))
  const found = findClients(
    others.filter(({ name }) => !isErrorName(name) && !statusFields.has(name.toLowerCase())),
    settings.clientsPath,
  )
  mustReportNoError(reportedError(found.beside, statusFields))
  limitClients(found.items.length)
  if (hasMoreResults && !found.hasList) throw malformedError('hasMoreResults is true, but there is no list of clients')
  const toRecord = recordMaker(settings.timeZone)
  const clients = found.items.map((item, at) => clientOf(item, at, toRecord))
  return { clients, hasMoreResults, checkPoint, path: found.path, replacedCharacters }
}

/** Throws `source.error-document`, with the name of the field and without its content. */
function mustReportNoError(field: AnswerNode | undefined) {
  if (field === undefined) return
  throw new ConnectorError(
    'source.error-document',
    `decode page: the field ${shownName(field.name)} of the page reports an error`,
  )
}

const isNamed = (node: AnswerNode, name: string) => node.name.toLowerCase() === name
const isOfEnvelope = (node: AnswerNode) => isNamed(node, FLAG) || isNamed(node, TOKEN)

/** The page, or an object around it. */
interface PlacedNode {
  readonly node: AnswerNode
  /** The fields beside it in its wrapper, and beside that. */
  beside(): readonly AnswerNode[]
}

/** Returns the outermost object with the flag; undefined if there is none. */
function findPage(level: readonly PlacedNode[], wrappers = WRAPPERS): PlacedNode | undefined {
  const objects = level.filter(({ node }) => node.kind === 'object')
  const page = objects.find(({ node }) => node.children.some((child) => isNamed(child, FLAG)))
  if (page !== undefined || objects.length === 0 || wrappers === 0) return page
  return findPage(objects.flatMap(placedBelow), wrappers - 1)
}

const placedBelow = ({ node: { children }, beside }: PlacedNode): PlacedNode[] =>
  children.map((node) => ({ node, beside: () => [...children.filter((field) => field !== node), ...beside()] }))

/** Returns the only field with this name; throws if there are several. */
function onlyField(fields: readonly AnswerNode[], name: string): AnswerNode | undefined {
  const [field, ...others] = fields.filter((child) => isNamed(child, name))
  if (others.length > 0)
    throw malformedError(`${name === FLAG ? 'hasMoreResults' : 'checkPoint'} occurs more than once`)
  return field
}

const flags: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

function flagOf(field: AnswerNode | undefined) {
  const text = field?.kind === 'text' ? field.text.trim().toLowerCase() : ''
  const flag = Object.hasOwn(flags, text) ? flags[text] : undefined
  if (flag === undefined) throw malformedError('hasMoreResults is neither true nor false')
  return flag
}

/** Returns the token; null if there is none. Invariant 5: it is kept verbatim. */
function tokenOf(field: AnswerNode | undefined, replacedCharacters: number): CheckPoint | null {
  if (field === undefined || field.kind === 'absent') return null
  if (field.kind !== 'text') throw malformedError('checkPoint is not text')
  const text = field.text
  if (!text.isWellFormed() || (replacedCharacters > 0 && text.includes('\ufffd')))
    throw malformedError(
      'checkPoint contains a forbidden character or an unpaired surrogate, which cannot be sent back',
    )
  return text === '' ? null : (text as CheckPoint)
}

function clientOf(item: AnswerNode, at: number, toRecord: ReturnType<typeof recordMaker>): ClientRecord {
  if (item.kind === 'object') return toRecord(item.value)
  if (item.kind === 'absent' || (item.kind === 'text' && item.text.trim() === '')) return {}
  throw malformedError(`item ${at + 1} of the list of clients is not a client`)
}

/** Returns the error for a document without a page: a page without its flag, an error document, or another document. */
function noPageError(root: AnswerNode) {
  const names = namesOf(root, 2)
  const isPart = (name: string) => [TOKEN, 'infoclient'].includes(name.toLowerCase())
  if (root.kind === 'list' || names.some(isPart)) return malformedError('hasMoreResults is missing')
  const isScalar = root.kind === 'text' && /\S/.test(root.text)
  return isScalar || names.some(isErrorName)
    ? new ConnectorError('source.error-document', 'decode page: the response is an error document')
    : malformedError('the document contains no page')
}

function namesOf(node: AnswerNode, levels: number): string[] {
  if (levels === 0) return [node.name]
  return [node.name, ...node.children.flatMap((child) => namesOf(child, levels - 1))]
}
