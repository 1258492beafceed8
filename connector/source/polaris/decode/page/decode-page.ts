import { ConnectorError } from '../../../../runtime/connector-error.ts'
import {
  type CheckPoint,
  type ClientRecord,
  type OutputFormat,
  type Page,
  shownName,
  shownPath,
} from '../../../client-source.ts'
import type { HttpAnswer } from '../../http/http-caller.ts'
import { type AnswerDocument, type AnswerNode, FLAG, isInfoClientName, REFERENCE, TOKEN } from '../answer-node.ts'
import { recordMaker } from '../client-record.ts'
import { decodeAnswer, formatOf } from '../decode-answer.ts'
import { decodeText } from '../decode-text.ts'
import { limitClients } from '../page-limits.ts'
import { findClients, type KnownPath } from './find-clients.ts'
import { endsWith, type Field, fieldOf, fieldsBelow, isClient, isNamed, type Path } from './page-fields.ts'
import { isErrorName, reportedError } from './reported-error.ts'

/** The part of a page that the body contains. */
export interface PageContent extends Pick<Page, 'clients' | 'hasMoreResults' | 'checkPoint' | 'path'> {
  /** Number of characters that XML forbids, which were decoded to U+FFFD. */
  readonly replacedCharacters: number
  readonly reading: AnswerReading
}

/** Which fields of the answer are which part of the page. */
export interface AnswerReading {
  readonly flag: Field
  readonly token: Field | undefined
  readonly clients: Path | undefined
  /** All other fields, but for the objects around flag and token. */
  readonly others: readonly Field[]
}

/** What is configured, or known, about the fields of a page. */
export interface PageSettings {
  /** IANA name of the server's time zone. */
  readonly timeZone: string
  /** Undefined: the clients are detected. */
  readonly known?: KnownPath | undefined
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

/** Throws `source.mapping` at the first reference: published as it stands, the object would be lost. */
function mustNotRefer(node: AnswerNode, path: Path = []) {
  for (const child of node.children) {
    if (child.name === REFERENCE)
      throw new ConnectorError(
        'source.mapping',
        `decode page: ${shownPath(path)} points to another object instead of containing it; the server must not preserve references when it serializes`,
      )
    mustNotRefer(child, node.kind === 'list' ? path : [...path, child.name])
  }
}

const malformedError = (why: string) => new ConnectorError('source.answer-malformed', `decode page: ${why}`)

/**
 * Reads a whole answer as one tree (docs/decisions/20261207-a-page-is-one-tree.md). Invariant 9: throws unless it is a
 * complete page without an error in it, and everything in it is understood.
 */
export function decodePage({ root, replacedCharacters }: AnswerDocument, settings: PageSettings): PageContent {
  const { known } = settings
  const statusFields = new Set(settings.statusFields?.map((name) => name.toLowerCase()))
  const isStatus = ({ name }: Field) => isErrorName(name) || statusFields.has(name.toLowerCase())
  const isKnown = (field: Field) => known !== undefined && endsWith(field, known.path) && field.items.some(isClient)
  const fields = fieldsBelow(
    fieldOf([root]),
    (field) => isStatus(field) || isInfoClientName(field.name) || isKnown(field),
  )
  const flag = onlyField(fields, FLAG)
  if (flag === undefined) throw noPageError(root, fields)
  const token = onlyField(fields, TOKEN)
  const hasMoreResults = flagOf(flag)
  const checkPoint = tokenOf(token?.items[0], replacedCharacters)
  const around = [...new Set([...flag.parents, ...(token?.parents ?? [])])]
  const others = fields.filter((field) => field !== flag && field !== token && !around.includes(field))
  const error = reportedError(others, statusFields)
  if (error !== undefined)
    // Invariant 8: the name of the field without its content.
    throw new ConnectorError(
      'source.error-document',
      `decode page: the field ${shownName(error.name)} of the page reports an error`,
    )
  if (fields.some(({ name }) => name === REFERENCE)) mustNotRefer(root)
  const found = findClients(
    others.filter((field) => !isStatus(field)),
    known,
    around,
  )
  if (hasMoreResults && found === undefined)
    throw malformedError('hasMoreResults is true, but there is no list of clients')
  const items = found?.items ?? []
  limitClients(items.length)
  const toRecord = recordMaker(settings.timeZone, () => mustNotRefer(root))
  const clients = items.map((item, at) => clientOf(item, at, toRecord))
  const path = found?.isKept ? found.path : undefined
  const reading = { flag, token, clients: found?.path, others }
  return { clients, hasMoreResults, checkPoint, path, replacedCharacters, reading }
}

/** Returns the only field with this name; throws if there are several. */
function onlyField(fields: readonly Field[], name: string): Field | undefined {
  const [field, ...others] = fields.filter((child) => isNamed(child, name))
  if (field !== undefined && (field.isList || others.length > 0))
    throw malformedError(`${field.name} occurs more than once`)
  return field
}

function flagOf({ items }: Field) {
  const text = items.map((item) => item.text.trim().toLowerCase()).join()
  if (!/^(?:true|false|[01])$/.test(text)) throw malformedError('hasMoreResults is neither true nor false')
  return text === 'true' || text === '1'
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

/** Returns the error for a document without a flag: an error document, unless it has another part of a page. */
function noPageError({ kind, name, text }: AnswerNode, fields: readonly Field[]) {
  const isPage = fields.some((field) => isNamed(field, TOKEN) || isInfoClientName(field.name))
  const isScalar = kind === 'text' && /\S/.test(text)
  return !isPage && (isScalar || [{ name }, ...fields].some((field) => isErrorName(field.name)))
    ? new ConnectorError('source.error-document', 'decode page: the response is an error document')
    : malformedError('hasMoreResults is missing')
}
