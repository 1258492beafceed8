import { ConnectorError } from '../runtime/connector-error.ts'
import type { ClientRecord } from '../source/client-source.ts'

/** Which field is the client's id, and which its modification time. Dotted paths; null: not mapped. */
export interface FieldMapping {
  readonly clientId: string
  readonly modifiedAt: string | null
}

/** What is configured; null where the page shall tell. */
export interface ConfiguredFields {
  readonly clientId: string | null
  readonly modifiedAt: string | null
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
 * The mapping for good: what is configured, else what was found before, else what these clients make unambiguous. Undefined when there is
 * no client to tell by. Throws `source.mapping` when the id is not unambiguous; an ambiguous modification time stays unmapped.
 */
export function mapFields(
  clients: readonly ClientRecord[],
  configured: ConfiguredFields,
  known: FieldMapping | null,
): FieldMapping | undefined {
  const modifiedAt = configured.modifiedAt ?? known?.modifiedAt
  const clientId = configured.clientId ?? known?.clientId
  if (clientId !== undefined && modifiedAt !== undefined) return { clientId, modifiedAt }
  if (clients.length === 0) return undefined
  return {
    clientId: clientId ?? onlyIdField(clients),
    modifiedAt: modifiedAt === undefined ? onlyModifiedField(clients) : modifiedAt,
  }
}

function onlyIdField(clients: readonly ClientRecord[]): string {
  const found = candidates(clients, ID_NAMES)
  const [field] = found
  if (field !== undefined && found.length === 1) return field
  // Invariant 8: names of fields, none of their values.
  const fields = [...new Set(clients.flatMap(Object.keys))].slice(0, 40).join(', ')
  throw new ConnectorError(
    'source.mapping',
    found.length === 0
      ? `find the client id: set POLARIS_CLIENT_ID_FIELD to one of the fields: ${fields}`
      : `find the client id: several fields may be it (${found.join(', ')}); set POLARIS_CLIENT_ID_FIELD`,
  )
}

function onlyModifiedField(clients: readonly ClientRecord[]): string | null {
  const [field, ...others] = candidates(clients, MODIFIED_NAMES)
  return field !== undefined && others.length === 0 ? field : null
}

/** Top-level text fields with one of the names, present on every client; their spelling as the first client has it. */
function candidates(clients: readonly ClientRecord[], names: ReadonlySet<string>): string[] {
  return Object.keys(clients[0] ?? {}).filter(
    (key) => names.has(key.toLowerCase()) && clients.every((client) => typeof client[key] === 'string'),
  )
}
