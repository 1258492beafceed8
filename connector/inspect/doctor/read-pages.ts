import type { ClientRecord, ClientSource, ClientsPlace, Patience, ReadArguments } from '../../source/client-source.ts'

/** The pages of one scan, as far as they were read. */
export interface PagesRead {
  readonly clients: readonly ClientRecord[]
  /** Where the first page with clients had them. */
  readonly place: ClientsPlace | undefined
  readonly pages: number
  /** Whether the scan was read up to its end. */
  readonly isComplete: boolean
  /** Of the last response, in ms since 1970. */
  readonly serverTime: number | undefined
  /** What ended the scan early. */
  readonly error: unknown
}

interface Reading {
  readonly at: ReadArguments
  readonly maxPages: number
  /** For the first page. */
  readonly patience?: Patience
}

/** Reads the pages of a scan up to its end, the limit or a failure. Never rejects. */
export async function readPages(
  source: ClientSource,
  { at, maxPages, patience = 'retry' }: Reading,
  finish: AbortSignal,
): Promise<PagesRead> {
  const clients: ClientRecord[] = []
  let read = { pages: 0, isComplete: false, serverTime: undefined as number | undefined }
  let checkPoint = at.checkPoint
  let place: ClientsPlace | undefined
  try {
    while (!read.isComplete && read.pages < maxPages) {
      const page = await source.read({ ...at, checkPoint }, finish, read.pages === 0 ? patience : 'retry')
      for (const client of page.clients) clients.push(client)
      place ??= page.place
      read = { pages: read.pages + 1, isComplete: !page.hasMoreResults, serverTime: page.serverTime }
      if (page.checkPoint === null) break
      checkPoint = page.checkPoint
    }
    return { ...read, clients, place, error: undefined }
  } catch (error) {
    return { ...read, clients, place, error }
  }
}
