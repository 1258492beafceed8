import { ConnectorError } from '../runtime/connector-error.ts'
import type { ClientRecord, ClientValue, Page } from '../source/client-source.ts'
import { valueAt } from './canonical-json.ts'
import { type ConfiguredFields, type FieldMapping, idFields, mapFields } from './fields/field-mapping.ts'

/** The mapping of one output format, from its first page with a valid client id. */
export interface PageMapping extends FieldMapping {
  /** Where the clients are, by the names from the page down; null: the source does not tell. */
  readonly path: readonly string[] | null
}

/** What a stream knows of its pages. */
export interface StreamMapping {
  /** The settings under which it was found; null: no page has been processed. */
  readonly settings: Pick<ConfiguredFields, 'clientId' | 'clients'> | null
  readonly xml: PageMapping | null
  readonly json: PageMapping | null
  /** Dotted paths of the fields of clients that are lists besides the configured ones; null: not settled yet. */
  readonly lists: readonly string[] | null
}

export type MappedPage =
  | { readonly kind: 'mapped'; readonly mapping: PageMapping }
  /** Nothing is known, and the page has no clients. */
  | { readonly kind: 'empty' }
  /** Nothing is known, and no client of the page has a valid id. */
  | { readonly kind: 'unproven'; readonly error: ConnectorError }

/** This many clients without an id, and none with one, mean that the settings are wrong. */
export const MANY_WITHOUT_ID = 10

/**
 * The mapping after a page. A client without id is an exception; pages with nothing else are a wrong mapping. Throws
 * `source.mapping` if that is certain. Pure.
 */
export function mapPage(
  { clients, place }: Pick<Page, 'place'> & { readonly clients: readonly ClientRecord[] },
  fields: ConfiguredFields,
  known: PageMapping | null,
): MappedPage {
  if (known !== null) {
    const { clientId, path } = known
    if (!clients.some(hasId(clientId)) && clients.some((client) => holdsList(client, hasId(clientId)))) throw aList()
    const modifiedAt = fields.modifiedAt ?? known.modifiedAt
    return { kind: 'mapped', mapping: { clientId, modifiedAt, path } }
  }
  if (clients.length === 0) return { kind: 'empty' }
  if (place?.isCertain === false) return unproven('the only object of the page need not be a client')
  const isNameless = clients.length === 1 && fields.clientId === null && idFields(clients).length === 0
  const isList = clients.some((client) => holdsList(client, () => true))
  const found = isNameless || (isList && idFields(clients).length === 0) ? undefined : mapFields(clients, fields)
  if (found !== undefined && clients.some(hasId(found.clientId)))
    return { kind: 'mapped', mapping: { ...found, path: place?.path ?? null } }
  if (isList) throw aList()
  const where = found === undefined ? '' : ` in ${found.clientId}`
  if (clients.length >= MANY_WITHOUT_ID) throw withoutId(`no client of the page has an id${where}`)
  return unproven(`no client of the page has an id${where}`)
}

/** The error once several pages together have that number of clients, and none with an id. */
export const withoutId = (why: string) =>
  new ConnectorError(
    'source.mapping',
    `find the client id: ${why}; set POLARIS_CLIENT_ID_FIELD or POLARIS_CLIENTS_FIELD`,
  )

const unproven = (why: string): MappedPage => ({
  kind: 'unproven',
  error: new ConnectorError(
    'source.mapping',
    `find the client id: ${why}; nothing is published until a client has one; check POLARIS_CLIENT_ID_FIELD and POLARIS_CLIENTS_FIELD`,
  ),
})

const aList = () =>
  new ConnectorError(
    'source.mapping',
    'find the clients: an object that was taken for a client has no id, but holds a list; set POLARIS_CLIENTS_FIELD',
  )

const hasId = (path: string) => {
  const names = path.split('.')
  return (client: ClientRecord) => {
    const id = valueAt(client, names)
    return typeof id === 'string' && id !== ''
  }
}

/** Whether the record holds a list, at any depth, with an object for which `isClient` is true. */
function holdsList(record: ClientRecord, isClient: (item: ClientRecord) => boolean): boolean {
  return Object.values(record).some((value) => {
    if (typeof value === 'string') return false
    if (!isItems(value)) return holdsList(value, isClient)
    return value.some((item) => typeof item !== 'string' && !isItems(item) && isClient(item))
  })
}

const isItems = (value: ClientValue): value is readonly ClientValue[] => Array.isArray(value)

/** Nothing is known yet. */
export const unmapped: StreamMapping = { settings: null, xml: null, json: null, lists: null }

/**
 * What is known under the present settings. `changed`: it must be found again, because the settings changed.
 * Pure.
 */
export function underSettings(
  known: StreamMapping,
  { clientId, clients }: ConfiguredFields,
): { readonly kind: 'kept' | 'changed'; readonly mapping: StreamMapping } {
  const settings = { clientId, clients }
  const { settings: before, xml, json } = known
  const found = [xml, json].filter((one) => one !== null)
  const isKept = (setting: keyof typeof settings, inUse: (one: PageMapping) => string | undefined) =>
    before?.[setting] === settings[setting] ||
    (found.length > 0 && found.every((one) => inUse(one) === settings[setting]))
  const isSame = isKept('clientId', (one) => one.clientId) && isKept('clients', (one) => one.path?.join('.'))
  return before === null || isSame
    ? { kind: 'kept', mapping: { ...known, settings } }
    : { kind: 'changed', mapping: { ...unmapped, settings, lists: known.lists } }
}
