import type { Fields, FieldValue } from '../clients/made-up-client.ts'

/** The page that `?doc` returns. */
export function functionPage(): string {
  return page(
    'Client.GetClientsModified',
    `<p><a href="?doc&amp;docType=RepDaemon.WebService2.CoreAPI.Client%2bFragmentedInfoClient">FragmentedInfoClient</a>
Client.GetClientsModified(DateTime lastChanged, Int32 codeMagasin, [String checkPoint = null], [String prefixCle = null],
[Int32 limit = 100], [xml|json output = xml])</p>`,
  )
}

/** The page that `?doc&docType=` returns: the fields of a type; undefined for an unknown type. */
export function typePage(docType: string, client: Fields, list: string): string | undefined {
  if (docType.endsWith('+FragmentedInfoClient')) {
    return page(
      docType,
      table([
        ['hasMoreResults', 'Boolean'],
        ['checkpoint', 'String'],
        [list, 'List of InfoClient'],
      ]),
    )
  }
  if (!docType.endsWith('+InfoClient')) return undefined
  return page(docType, table(rowsOf(client, '')))
}

function rowsOf(fields: Fields, prefix: string): readonly (readonly [string, string])[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const isGroup = value !== null && typeof value === 'object' && value.kind === 'group'
    return isGroup ? rowsOf(value.fields, `${prefix}${name}.`) : [[`${prefix}${name}`, typeOf(value)] as const]
  })
}

function page(title: string, body: string): string {
  return `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1>\n${body}\n</body></html>\n`
}

function table(rows: readonly (readonly [string, string])[]): string {
  return `<table>\n${rows.map(([name, type]) => `<tr><td>${name}</td><td>${type}</td></tr>`).join('\n')}\n</table>`
}

function typeOf(value: FieldValue): string {
  if (value === null || typeof value === 'string') return 'String'
  if (typeof value === 'boolean') return 'Boolean'
  if (value.kind === 'number') return value.text.includes('.') ? 'Decimal' : 'Int64'
  return value.kind === 'list' ? `List of ${value.item}` : 'DateTime'
}
