import { z } from 'zod'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { ClientRecord, Page } from '../source/client-source.ts'
import { valueAt } from './canonical-json.ts'
import { type ConfiguredFields, type FieldMapping, fieldMapping, mapFields } from './fields/field-mapping.ts'

/** The mapping of one output format, from its first page with clients. Configured paths take precedence over it. */
const pageMapping = z.object({
  ...fieldMapping.shape,
  /** Where the clients are, by the names from the page down; null: the source does not tell. */
  path: z.array(z.string()).readonly().nullable(),
})

/** What a stream knows of its pages, as the checkpoint holds it. */
export const streamMapping = z.object({
  xml: pageMapping.nullable(),
  json: pageMapping.nullable(),
  /** Dotted paths of the fields that pages have repeated: they stay lists. The configured ones are others. */
  lists: z.array(z.string()).readonly(),
})

export type PageMapping = z.infer<typeof pageMapping>
export type StreamMapping = z.infer<typeof streamMapping>

/** Nothing is known yet. */
export const unmapped: StreamMapping = { xml: null, json: null, lists: [] }

/**
 * The mapping after a page; null: nothing is known, and the page has no clients. Throws `source.mapping` if no client of
 * the page has an id. Pure.
 */
export function mapPage(
  { clients, path }: Pick<Page, 'path'> & { readonly clients: readonly ClientRecord[] },
  fields: ConfiguredFields,
  known: PageMapping | null,
): PageMapping | null {
  const found = known === null ? mapFields(clients, fields) : configured(known, fields)
  if (found === undefined) return known
  if (clients.length > 0 && !clients.some(hasId(found.clientId)))
    throw new ConnectorError(
      'source.mapping',
      `find the client id: no client of the page has an id in ${found.clientId}; set POLARIS_CLIENT_ID_FIELD or POLARIS_CLIENTS_FIELD`,
    )
  return { ...found, path: path ?? known?.path ?? null }
}

const configured = (known: PageMapping, { clientId, modifiedAt }: ConfiguredFields): FieldMapping => ({
  clientId: clientId ?? known.clientId,
  modifiedAt: modifiedAt ?? known.modifiedAt,
})

const hasId = (path: string) => {
  const names = path.split('.')
  return (client: ClientRecord) => {
    const id = valueAt(client, names)
    return typeof id === 'string' && id !== ''
  }
}
