import { type FieldMapping, mapFields } from '../../event/fields/field-mapping.ts'
import { isLiteral, type ValueType, valueTypes } from '../../event/fields/field-types.ts'
import { listFieldsLine, listShaper, newLists } from '../../event/list-shapes.ts'
import { modificationTime } from '../../event/modification-time.ts'
import type { Clock } from '../../runtime/clock.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { DAY_MS } from '../../runtime/units.ts'
import { type ClientRecord, type ClientValue, isList, type Page } from '../../source/client-source.ts'
import { wallClock } from '../../source/source-time.ts'
import { readSample } from '../inspected-pages.ts'
import type { StreamUnderTest } from './doctor-parts.ts'

/** What `doctor --fields` prints of a stream. */
export interface StreamSurvey {
  readonly stream: string
  /** Number of clients in the sample. */
  readonly clients: number
  readonly fields: readonly SurveyedField[]
  /** Why the client id could not be detected. */
  readonly problem: string | undefined
  /** Lines of YAML: settings for what was found. */
  readonly settings: readonly string[]
}

interface SurveyedField {
  /** Dotted; a list adds no level. */
  readonly path: string
  /** Objects in which the field has a value that is not empty. */
  readonly filled: number
  /** Objects that could have it. */
  readonly of: number
  /** Of its values, the most frequent first. */
  readonly types: string
}

/** Reads some pages from the start of the stream and of the last day. Rejects as a read does. */
export async function surveyStream(
  { config, source }: Pick<StreamUnderTest, 'config' | 'source'>,
  clock: Clock,
  stop: AbortSignal,
): Promise<StreamSurvey> {
  const { limit, output, timeZone } = config.poll
  const aDayAgo = wallClock(clock.now() - DAY_MS, timeZone)
  const clients: ClientRecord[] = []
  let path: Page['path']
  for (const lastChanged of new Set([config.beginAt ?? aDayAgo, aDayAgo])) {
    const at = { lastChanged, checkPoint: null, limit, output }
    const read = await readSample(source, { at }, stop)
    if (read.error !== undefined) throw read.error
    for (const client of read.clients) clients.push(client)
    path ??= read.pages.find((page) => page.path !== undefined)?.path
  }
  const { mapping, problem } = detected(clients, config.fields)
  const { lists: configured } = config.fields
  const lists = [...configured, ...newLists(clients, configured)]
  const fields = surveyFields(clients.map(listShaper(lists)))
  const settings = fieldSettings(lists, mapping, path)
  return { stream: config.name, clients: clients.length, fields, problem, settings }
}

function detected(clients: readonly ClientRecord[], configured: StreamUnderTest['config']['fields']) {
  try {
    return { mapping: mapFields(clients, configured), problem: undefined }
  } catch (error) {
    if (!(error instanceof Error) || codeOf(error) !== 'source.mapping') throw error
    return { mapping: undefined, problem: error.message }
  }
}

type FieldType = ValueType | 'date' | 'text' | 'empty' | 'object' | 'list'

/** Invariant 8: no values. The fields of these clients, sorted by path. */
export function surveyFields(clients: readonly ClientRecord[]): SurveyedField[] {
  const fields = new Map<string, Map<FieldType, number>>()
  const holders = new Map<string, number>()
  const visit = (record: ClientRecord, prefix: string) => {
    holders.set(prefix, (holders.get(prefix) ?? 0) + 1)
    for (const [name, value] of Object.entries(record)) visitField(value, `${prefix}${name}`)
  }
  const visitField = (value: ClientValue, path: string) => {
    const types = fields.get(path) ?? new Map<FieldType, number>()
    fields.set(path, types)
    const type = typeOf(value)
    types.set(type, (types.get(type) ?? 0) + 1)
    const inner = isList(value) ? value : [value]
    for (const item of inner) if (typeof item !== 'string' && !isList(item)) visit(item, `${path}.`)
  }
  for (const client of clients) visit(client, '')
  const sorted = [...fields].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return sorted.map(([path, types]) => {
    const counts = [...types].toSorted(([, one], [, other]) => other - one)
    const filled = counts.reduce((sum, [type, count]) => (type === 'empty' ? sum : sum + count), 0)
    const of = holders.get(path.slice(0, path.lastIndexOf('.') + 1)) ?? 0
    return { path, filled, of, types: counts.map(([type]) => type).join(', ') }
  })
}

/** The settings that hold what the survey found, as YAML of one stream's `polaris` section. */
function fieldSettings(lists: readonly string[], mapping: FieldMapping | undefined, path: Page['path']): string[] {
  return [
    'polaris:',
    path === undefined ? '  # clientsField: not detected' : `  clientsField: ${quoted(path.join('.'))}`,
    mapping === undefined ? '  # clientIdField: not detected' : `  clientIdField: ${quoted(mapping.clientId)}`,
    mapping?.modifiedAt == null
      ? '  # modifiedAtField: not detected'
      : `  modifiedAtField: ${quoted(mapping.modifiedAt)}`,
    ...(lists.length === 0 ? [] : [`  ${listFieldsLine(lists)}`]),
  ]
}

/** Some YAML parsers take a plain `No` for false. */
const quoted = (path: string) => JSON.stringify(path)

function typeOf(value: ClientValue): FieldType {
  if (isList(value)) return 'list'
  if (typeof value !== 'string') return 'object'
  if (value.trim() === '') return 'empty'
  const type = valueTypes.find((one) => isLiteral(value, one))
  return type ?? (modificationTime(value, 'UTC') === undefined ? 'text' : 'date')
}
