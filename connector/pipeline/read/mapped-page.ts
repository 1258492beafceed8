import { listFieldsLine, newLists } from '../../event/list-shapes.ts'
import { mapPage, type PageMapping } from '../../event/page-mapping.ts'
import type { Scan } from '../../scan/scan-state.ts'
import type { Page, PageRequest } from '../../source/client-source.ts'
import type { Reader } from './scan-trouble.ts'

/** The next request of a scan, with what is known about its response. */
export function requestOf({ mapping }: Reader, scan: Scan): Scan & PageRequest {
  return { ...scan, clientsPath: mapping[scan.output]?.path ?? undefined }
}

/** Takes what a page says about the mapping. Throws `source.mapping`. */
export function takeMapping(reader: Reader, { output }: Scan, page: Page): void {
  const { mapping, fields } = reader
  const known = mapping[output]
  const found = mapPage(page, fields, known)
  if (found === null) return
  reader.mapping = { ...mapping, [output]: found }
  takeLists(reader, page)
  if (known === null) reportFound(reader, found)
}

/** A field that was once repeated stays a list: one of its values, too, is published as one. */
function takeLists(reader: Reader, { clients }: Page): void {
  const { mapping, fields, observe } = reader
  const found = newLists(clients, [...fields.lists, ...mapping.lists])
  if (found.length === 0) return
  const lists = [...mapping.lists, ...found]
  reader.mapping = { ...mapping, lists }
  observe({ kind: 'lists-found', fields: found, setting: listFieldsLine([...fields.lists, ...lists]) })
}

function reportFound({ fields, observe }: Reader, { clientId, modifiedAt }: PageMapping): void {
  if (fields.clientId === null) observe({ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: clientId })
  if (fields.modifiedAt === null && modifiedAt !== null)
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: modifiedAt })
}
