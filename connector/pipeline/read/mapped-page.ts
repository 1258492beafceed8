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
  const { mapping, fields, times, observe } = reader
  const known = mapping[output]
  const found = mapPage(page, fields, known)
  if (found === null) return
  reader.mapping = { ...mapping, [output]: found }
  if (known === null) reportFound(reader, found)
  const { modifiedAt } = found
  if (modifiedAt !== null && times.isUnreadable(page.clients, modifiedAt.split('.')))
    observe({ kind: 'times-unreadable', field: modifiedAt })
}

function reportFound({ fields, observe }: Reader, { clientId, modifiedAt }: PageMapping): void {
  if (fields.clientId === null) observe({ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: clientId })
  if (fields.modifiedAt === null && modifiedAt !== null)
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: modifiedAt })
}
