import type { ConfiguredFields } from '../../event/fields/field-mapping.ts'
import { listsInForce, newLists } from '../../event/list-shapes.ts'
import { linkedAbort } from '../../runtime/abort.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Observe } from '../pipeline-event.ts'
import type { PageReading } from './page-reading.ts'

/** A page whose lists are not known yet. */
export type ReadPage = Omit<PageReading, 'lists'>

interface SettleParts {
  /** Those that the stream has settled before; null: none. */
  readonly settled: readonly string[] | null
  readonly fields: Pick<ConfiguredFields, 'lists'>
  readonly clock: Pick<Clock, 'sleep'>
  readonly observe: Observe
}

const FIRST_PAGES = 3
/** The first events do not wait for longer: the source may be down. */
const SETTLE_WITHIN_MS = 10_000

/**
 * Adds the lists to the pages. Those of a new stream are settled before its first event, from its first three pages with
 * clients; a field that is found to be a list later is one from that page on. Ends and rejects as `pages` does.
 */
export async function* withLists(
  pages: AsyncGenerator<ReadPage, void>,
  parts: SettleParts,
  stop: AbortSignal,
): AsyncGenerator<PageReading, void> {
  const { fields, observe } = parts
  let { settled } = parts
  const batches = settled === null ? firstBatches(pages, parts.clock, stop) : eachAlone(pages)
  for await (const batch of batches) {
    const clients = batch.flatMap(({ page }) => page.clients)
    if (clients.length > 0) {
      const lists = newLists(clients, listsInForce(fields.lists, settled))
      if (lists.length > 0) observe({ kind: settled === null ? 'lists-settled' : 'lists-found', fields: lists })
      if (lists.length > 0 || settled === null) settled = [...(settled ?? []), ...lists]
    }
    const inForce = listsInForce(fields.lists, settled)
    for (const reading of batch) yield { ...reading, mapping: { ...reading.mapping, lists: settled }, lists: inForce }
  }
}

type Batch = readonly ReadPage[]

async function* eachAlone(pages: AsyncGenerator<ReadPage, void>): AsyncGenerator<Batch, void> {
  for await (const page of pages) yield [page]
}

/** The first pages with clients together; those before and after them one by one. */
async function* firstBatches(
  pages: AsyncGenerator<ReadPage, void>,
  clock: Pick<Clock, 'sleep'>,
  stop: AbortSignal,
): AsyncGenerator<Batch, void> {
  try {
    let batch: ReadPage[] = []
    for (let next = pages.next(); ; next = pages.next()) {
      // Of a page that is late, or of a failure, the pages before it know nothing.
      if (batch.length > 0 && !(await arrivesInTime(next, clock, stop))) {
        yield batch.splice(0)
        yield* rest(next)
        break
      }
      const { done, value } = await next
      if (done === true) return
      batch.push(value)
      if (!isEnough(batch)) continue
      yield batch
      if (hasClients(batch)) break
      batch = []
    }
    yield* eachAlone(pages)
  } finally {
    await pages.return()
  }
}

async function* rest(next: Promise<IteratorResult<ReadPage, void>>): AsyncGenerator<Batch, void> {
  const { done, value } = await next
  if (done !== true) yield [value]
}

const hasClients = (batch: Batch) => batch.some(({ page }) => page.clients.length > 0)

/** Whether the batch is complete: there are three pages with clients, or none to come soon. */
function isEnough(batch: Batch): boolean {
  const last = batch.at(-1)
  if (last === undefined || !hasClients(batch)) return true
  const { live, background, backfill } = last.states
  const isIdle = live.scan === null && background.length === 0 && backfill.state === 'done'
  return isIdle || batch.filter(({ page }) => page.clients.length > 0).length >= FIRST_PAGES
}

/** False for a rejection too, at the end, and once `stop` aborts. */
async function arrivesInTime(
  next: Promise<IteratorResult<ReadPage, void>>,
  clock: Pick<Clock, 'sleep'>,
  stop: AbortSignal,
): Promise<boolean> {
  using timer = linkedAbort(stop)
  const arrived = next.then(
    ({ done }) => done !== true,
    () => false,
  )
  const late = clock.sleep(SETTLE_WITHIN_MS, timer.signal).then(
    () => false,
    () => false,
  )
  const isInTime = await Promise.race([arrived, late])
  timer.abort()
  return isInTime
}
