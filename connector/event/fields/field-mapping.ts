import { ConnectorError } from '../../runtime/connector-error.ts'
import { type ClientRecord, shownName } from '../../source/client-source.ts'

/** Dotted paths of the client's id and of its modification time; null: not mapped. */
export interface FieldMapping {
  readonly clientId: string
  readonly modifiedAt: string | null
}

/** The configured paths; null: detected from the first page with clients. */
export interface ConfiguredFields {
  readonly clientId: string | null
  readonly modifiedAt: string | null
  /** Of the list of clients in a page. */
  readonly clients: string | null
  /** Of the fields of a client that are lists. */
  readonly lists: readonly string[]
}

const ID_NAMES = new Set(
  ['No', 'NoClient', 'NumClient', 'Numero', 'NumeroClient', 'Id', 'IdClient', 'ClientId', 'CodeClient', 'Code'].map(
    (name) => name.toLowerCase(),
  ),
)
const MODIFIED_NAMES = new Set(
  [
    'DateModification',
    'DateModif',
    'DateMaj',
    'DerniereModification',
    'DateDerniereModification',
    'DerniereChangement',
    'DateDernierChangement',
    'DateChangement',
    'LastChanged',
    'LastChange',
    'LastModified',
    'ModifiedAt',
    'DateModified',
  ].map((name) => name.toLowerCase()),
)

/**
 * The field mapping: the configured paths, or else the only candidate among the fields of these clients. Undefined if a
 * path has to be detected and there are no clients. Throws `source.mapping` if there is no candidate for the id, or more
 * than one. A modification time with several candidates stays unmapped.
 */
export function mapFields(
  clients: readonly ClientRecord[],
  { clientId, modifiedAt }: Pick<ConfiguredFields, 'clientId' | 'modifiedAt'>,
): FieldMapping | undefined {
  if (clientId !== null && modifiedAt !== null) return { clientId, modifiedAt }
  if (clients.length === 0) return undefined
  return { clientId: clientId ?? onlyIdField(clients), modifiedAt: modifiedAt ?? onlyModifiedField(clients) }
}

/** The fields that could be the id: of every client, or else of some. */
export function idFields(clients: readonly ClientRecord[]): string[] {
  const everywhere = candidates(clients, clients, ID_NAMES)
  return everywhere.length > 0 ? everywhere : candidates(clients, [], ID_NAMES)
}

function onlyIdField(clients: readonly ClientRecord[]): string {
  const found = idFields(clients)
  const [field] = found
  if (field !== undefined && found.length === 1) return field
  // Invariant 8: field names only, no values.
  const fields = [...new Set(clients.flatMap(Object.keys).map(shownName))].slice(0, 40).join(', ')
  throw new ConnectorError(
    'source.mapping',
    found.length === 0
      ? `find the client id: set POLARIS_CLIENT_ID_FIELD to one of the fields: ${fields}`
      : `find the client id: several fields could be the id (${found.join(', ')}); set POLARIS_CLIENT_ID_FIELD`,
  )
}

function onlyModifiedField(clients: readonly ClientRecord[]): string | null {
  const [field, ...others] = candidates(clients, clients, MODIFIED_NAMES)
  return field !== undefined && others.length === 0 ? field : null
}

/** Top-level fields with one of these names that are text on a client, and on `all` of these. */
function candidates(
  clients: readonly ClientRecord[],
  all: readonly ClientRecord[],
  names: ReadonlySet<string>,
): string[] {
  const keys = new Set(clients.flatMap((client) => Object.keys(client).filter((key) => names.has(key.toLowerCase()))))
  const isText = (client: ClientRecord, key: string) => typeof client[key] === 'string'
  return [...keys].filter(
    (key) => clients.some((client) => isText(client, key)) && all.every((client) => isText(client, key)),
  )
}
