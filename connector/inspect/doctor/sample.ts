import type { ClientRecord, ClientSource, Page, ReadArguments } from '../../source/client-source.ts'

/** Pages of one scan, as far as they were read, whatever they hold. */
export interface Sample {
  readonly pages: readonly Page[]
  readonly clients: readonly ClientRecord[]
  /** Whether the scan was read to its end. */
  readonly isComplete: boolean
  /** What ended the scan early. */
  readonly error: unknown
}

/** Reads pages of one scan that `run` might refuse: their clients need no id. Never rejects. */
export async function readSample(
  source: ClientSource,
  { at, maxPages }: { readonly at: ReadArguments; readonly maxPages: number },
  stop: AbortSignal,
): Promise<Sample> {
  const pages: Page[] = []
  let error: unknown
  try {
    for (let checkPoint = at.checkPoint; pages.length < maxPages; ) {
      const page = await source.read({ ...at, checkPoint }, stop)
      pages.push(page)
      if (!page.hasMoreResults || page.checkPoint === null) break
      checkPoint = page.checkPoint
    }
  } catch (thrown) {
    error = thrown
  }
  const isComplete = error === undefined && pages.at(-1)?.hasMoreResults === false
  return { pages, clients: pages.flatMap(({ clients }) => clients), isComplete, error }
}
