import * as z from 'zod'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type ClientRecord, type Page, shownName } from '../source/client-source.ts'
import { valueAt } from './canonical-json.ts'

/** The mapping of one output format, from its first page with clients. Configured paths take precedence over it. */
const pageMapping = z.object({
  /** Dotted paths of the client's id and of its modification time; null: not mapped. */
  clientId: z.string(),
  modifiedAt: z.string().nullable(),
  /** The clients are here, by the names from the page down; null: the source does not tell. */
  path: z.array(z.string()).readonly().nullable(),
  /** The configured paths of fields, in lower case, that a client has had: a rule that has matched stays matched. */
  matched: z.array(z.string()).readonly(),
})

/** What a stream knows of its pages, as the checkpoint holds it. */
export const streamMapping = z.object({
  xml: pageMapping.nullable(),
  json: pageMapping.nullable(),
  /** Dotted paths of the fields that pages have repeated: they stay lists. The configured ones are others. */
  lists: z.array(z.string()).readonly(),
})

export type PageMapping = z.infer<typeof pageMapping>
export type FieldMapping = Pick<PageMapping, 'clientId' | 'modifiedAt'>
export type StreamMapping = z.infer<typeof streamMapping>

/** Nothing is known yet. */
export const noMapping: StreamMapping = { xml: null, json: null, lists: [] }

/**
 * Returns the mapping after a page; null: nothing is known, and the page has no clients. A field is the configured one,
 * or that of earlier pages, or else the only candidate that all these clients have; a modification time with several
 * candidates stays unmapped. Throws `source.mapping` if the id has none or several, or if no client of the page has an
 * id in a field that is not known yet. Pure.
 */
export function mapPage(
  { clients, path }: Pick<Page, 'path'> & { readonly clients: readonly ClientRecord[] },
  fields: ConfiguredFields,
  known: PageMapping | null,
): PageMapping | null {
  if (known === null && clients.length === 0) return null
  const clientId = fields.clientId ?? known?.clientId ?? onlyIdField(clients)
  // It may be unknown after pages whose clients have several candidates, or not all of them one.
  const modifiedAt = fields.modifiedAt ?? known?.modifiedAt ?? onlyModifiedField(clients)
  // Once its field is known, a client without an id is a dead letter.
  if (clientId !== known?.clientId && clients.length > 0 && !clients.some(hasId(clientId)))
    throw new ConnectorError(
      'source.mapping',
      `find the client id: no client of the page has an id in ${clientId}; set POLARIS_CLIENT_ID_FIELD or POLARIS_CLIENTS_FIELD`,
    )
  return { clientId, modifiedAt, path: path ?? known?.path ?? null, matched: known?.matched ?? [] }
}

const hasId = (path: string) => {
  const names = path.split('.')
  return (client: ClientRecord) => {
    const id = valueAt(client, names)
    return typeof id === 'string' && id !== ''
  }
}

/** The configured paths; null: detected from the first page with clients. */
export interface ConfiguredFields {
  readonly clientId: string | null
  readonly modifiedAt: string | null
  /** The path of the list of clients in a page. */
  readonly clients: string | null
  /** The paths of the fields of a client that are lists. */
  readonly lists: readonly string[]
}

/** The names of fields that hold the client id, in lower case. */
// biome-ignore format: a list
const ID_NAMES = new Set([
  'no', 'noclient', 'numclient', 'numero', 'numeroclient', 'id', 'idclient', 'clientid', 'codeclient', 'code',
])
/** The names of fields that hold the modification time, in lower case. */
// biome-ignore format: a list
const MODIFIED_NAMES = new Set([
  'datemodification', 'datemodif', 'datemaj', 'dernieremodification', 'datedernieremodification', 'dernierechangement',
  'datedernierchangement', 'datechangement', 'lastchanged', 'lastchange', 'lastmodified', 'modifiedat', 'datemodified',
])

function onlyIdField(clients: readonly ClientRecord[]) {
  const found = candidates(clients, ID_NAMES)
  const [field] = found
  if (field !== undefined && found.length === 1) return field
  throw new ConnectorError(
    'source.mapping',
    found.length === 0
      ? `find the client id: set POLARIS_CLIENT_ID_FIELD to one of the fields: ${shownFields(clients)}`
      : `find the client id: several fields could be the id (${found.join(', ')}); set POLARIS_CLIENT_ID_FIELD`,
  )
}

/** Returns the names of the fields, in one order whichever client comes first, for messages. Invariant 8: no values. */
export const shownFields = (clients: readonly ClientRecord[]) =>
  [...new Set(clients.flatMap(Object.keys).map(shownName))].toSorted().slice(0, 40).join(', ')

function onlyModifiedField(clients: readonly ClientRecord[]): string | null {
  const [field, ...others] = candidates(clients, MODIFIED_NAMES)
  return field !== undefined && others.length === 0 ? field : null
}

/** Returns the top-level fields with one of these names that are text on every client. */
function candidates(clients: readonly ClientRecord[], names: ReadonlySet<string>) {
  const [first = {}] = clients
  const named = Object.keys(first).filter((key) => names.has(key.toLowerCase()))
  return named.filter((key) => clients.every((client) => typeof client[key] === 'string'))
}
