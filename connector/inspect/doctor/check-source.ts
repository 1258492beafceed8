import type { FieldMapping } from '../../event/fields/field-mapping.ts'
import { mapPage } from '../../event/page-mapping.ts'
import type { Clock } from '../../runtime/clock.ts'
import { DAY_MS } from '../../runtime/units.ts'
import type { ClientRecord, Page, ReadArguments, SourceTime } from '../../source/client-source.ts'
import { serverTimeText, wallClock } from '../../source/source-time.ts'
import { readSample, type Sample } from '../inspected-pages.ts'
import type { CheckProgress } from './check-progress.ts'
import { compareOutputs } from './compare-outputs.ts'
import type { StreamUnderTest } from './doctor-parts.ts'
import { type CheckResult, type CheckResults, failure, ok, skipped, type TimeLimit } from './finding.ts'
import { judgeEventFields } from './judge-event-fields.ts'
import { judgeFields, judgeInterleaving, judgeLists, judgeOrder, judgePage, judgeServerClock } from './judge-page.ts'
import { judgeTimeZone } from './judge-time-zone.ts'

type SourceUnderTest = Pick<StreamUnderTest, 'config' | 'source' | 'events'>

interface SourceCheck extends SourceUnderTest {
  readonly clock: Clock
  readonly limit: TimeLimit
}

interface CheckOptions {
  readonly clock: Clock
  readonly progress: CheckProgress
  /** Reads the first page in the other output format too. */
  readonly comparesOutputs: boolean
}

/**
 * Reads what `run` reads, in scans of its own, and discards it: two pages from the start of the stream, a live scan,
 * the second page again, and the last day. Never rejects.
 */
export async function checkSource(
  stream: SourceUnderTest,
  { clock, progress, comparesOutputs }: CheckOptions,
  finish: AbortSignal,
): Promise<CheckResults> {
  const check = { ...stream, clock, limit: { finish, timeoutCode: 'source.unreachable' } as const }
  const { poll, beginAt, event } = stream.config
  const at = startingAt(beginAt ?? wallClock(clock.now() - DAY_MS, poll.timeZone), poll)
  const during = <Result>(name: string, work: () => Promise<Result>) => progress.during(name, stream.config.name, work)
  const first = await during('polaris', () => readPage(check, at))
  const [page] = first.pages
  if (page === undefined) return { polaris: failure(first.error, check.limit), ...withoutPage }
  const now = clock.now()
  const serverNow = page.serverTime ?? now
  const second = await during('second page', () => checkSecondPage(check, { at, page }))
  const live = await during('live', () => checkLiveEnd(check, serverNow))
  const clients = [...page.clients, ...second.clients]
  const { fields, mapping } = checkFields(clients, page.path, check)
  const isWhole = event.fields === undefined && event.types === undefined
  return {
    polaris: judgePage(page, at, beginAt),
    'second page': second.result,
    live,
    interleaving: await during('interleaving', () => checkInterleaving(check, second)),
    ...(comparesOutputs ? { outputs: await during('outputs', () => checkOutputs(check, { at, page, mapping })) } : {}),
    fields,
    ...(isWhole ? {} : { 'event fields': judgeEventFields(clients, event) }),
    order: judgeOrder(clients, { ...poll, mapping, startedAt: serverNow }),
    'server clock': judgeServerClock(page, now),
    'time zone': await during('time zone', () => checkTimeZone(check, serverNow, mapping)),
    lists: judgeLists(clients, stream.config.fields.lists),
  }
}

const requiresPage = skipped('requires a page')
const withoutPage: CheckResults = {
  'second page': requiresPage,
  live: requiresPage,
  interleaving: requiresPage,
  fields: requiresPage,
  order: requiresPage,
  'server clock': requiresPage,
  'time zone': requiresPage,
  lists: requiresPage,
}

const startingAt = (
  lastChanged: SourceTime,
  { limit, output }: Pick<ReadArguments, 'limit' | 'output'>,
): ReadArguments => ({ lastChanged, checkPoint: null, limit, output })

function readPage({ source, limit }: SourceCheck, at: ReadArguments): Promise<Sample> {
  return readSample(source, { at, maxPages: 1 }, limit.finish)
}

interface SecondPage {
  readonly result: CheckResult
  readonly clients: readonly ClientRecord[]
  /** Undefined: there is none. */
  readonly at: ReadArguments | undefined
}

/** Whether the server accepts its own token. */
async function checkSecondPage(
  check: SourceCheck,
  { at, page }: { at: ReadArguments; page: Page },
): Promise<SecondPage> {
  if (!page.hasMoreResults) return { result: skipped('no more results follow'), clients: [], at: undefined }
  const next = { ...at, checkPoint: page.checkPoint }
  const { pages, clients, error } = await readPage(check, next)
  const [second] = pages
  if (second === undefined) return { result: failure(error, check.limit), clients: [], at: undefined }
  return { result: ok(`${clients.length} clients, ${Math.round(second.tookMs)} ms`), clients, at: next }
}

/** Reads a live scan to its end. */
async function checkLiveEnd(check: SourceCheck, serverNow: number): Promise<CheckResult> {
  const { source, limit, config } = check
  const at = startingAt(wallClock(serverNow - config.poll.overlapMs, config.poll.timeZone), config.poll)
  const { pages, clients, isComplete, error } = await readSample(source, { at }, limit.finish)
  if (error !== undefined) return failure(error, limit)
  const count = `${pages.length} ${pages.length === 1 ? 'page' : 'pages'}`
  const read = `${clients.length} clients since ${serverTimeText(at.lastChanged)}, ${count}`
  return ok(isComplete ? read : `${read}; more results follow`)
}

/** Reads the second page again after the live scan. */
async function checkInterleaving(check: SourceCheck, { at, clients }: SecondPage): Promise<CheckResult> {
  if (at === undefined) return skipped('requires a second page')
  const again = await readPage(check, at)
  return again.error === undefined ? judgeInterleaving(clients, again.clients) : failure(again.error, check.limit)
}

interface FirstPage {
  readonly at: ReadArguments
  readonly page: Page
  readonly mapping: FieldMapping | undefined
}

async function checkOutputs(check: SourceCheck, { at, page, mapping }: FirstPage): Promise<CheckResult> {
  if (mapping === undefined) return skipped('requires the client id')
  const output = at.output === 'xml' ? 'json' : 'xml'
  const other = await readPage(check, { ...at, output })
  if (other.error !== undefined) return failure(other.error, check.limit)
  return compareOutputs({ [at.output]: page.clients, [output]: other.clients }, mapping.clientId)
}

/** Reads the last day up to its end, a limit or a failure: the first check reports a failing server. */
async function checkTimeZone(
  { source, clock, config, limit }: SourceCheck,
  serverNow: number,
  mapping: FieldMapping | undefined,
): Promise<CheckResult> {
  const { poll } = config
  const at = startingAt(wallClock(serverNow - DAY_MS, poll.timeZone), poll)
  const { pages, clients, isComplete } = await readSample(source, { at }, limit.finish)
  const now = pages.at(-1)?.serverTime ?? clock.now()
  return judgeTimeZone({ clients, isComplete, now }, mapping, poll.timeZone)
}

function checkFields(
  clients: readonly ClientRecord[],
  path: Page['path'],
  { config, events, limit }: SourceCheck,
): { fields: CheckResult; mapping: FieldMapping | undefined } {
  try {
    const mapping = mapPage({ clients, path }, config.fields, null) ?? undefined
    return { fields: judgeFields(clients, mapping, events), mapping }
  } catch (error) {
    return { fields: failure(error, limit), mapping: undefined }
  }
}
