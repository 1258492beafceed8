import { configuredPaths } from '../../event/fields/configured-paths.ts'
import { deadLetterCause } from '../../event/outgoing-record.ts'
import { type FieldMapping, mapPage, noMapping, type StreamMapping } from '../../event/page-mapping.ts'
import { clientReader } from '../../event/read-client.ts'
import { type Clock, DAY_MS } from '../../runtime/clock.ts'
import type {
  ClientRecord,
  ClientSource,
  Page,
  PageRequest,
  ReadArguments,
  SourceTime,
} from '../../source/client-source.ts'
import { wallClock } from '../../source/source-time.ts'
import { knownMapping } from '../inspected-pages.ts'
import {
  type CheckResult,
  type CheckResults,
  okResult,
  resultOfError,
  type StreamUnderTest,
  skippedResult,
  type TimeLimit,
  warningResult,
} from './doctor-parts.ts'
import {
  judgeDeadLetters,
  judgeFields,
  judgeIds,
  judgeInterleaving,
  judgeLayout,
  judgeLists,
  judgePage,
  judgeServerClock,
  judgeTimeZone,
} from './judge-page.ts'

/** So many pages are enough to judge the modification times, and few enough for the server. */
const DAY_PAGES = 20

/** The checkpoint must answer within this time; another check reports the store. */
const STORE_MS = 3_000

/**
 * Reads what `run` reads, in scans of its own, and discards it: two pages from the beginning of the stream, the last
 * day, and the second page again. Never rejects.
 */
export async function checkSource(
  { config, source, object }: StreamUnderTest,
  clock: Clock,
  finish: AbortSignal,
): Promise<CheckResults> {
  const { poll, beginAt } = config
  const limit: TimeLimit = { finish, timeoutCode: 'source.unreachable' }
  using patience = clock.deadline(STORE_MS, finish)
  const known = (await knownMapping(object, patience.signal)) ?? noMapping
  let clientsPath: Page['path'] = known[poll.output]?.path ?? undefined
  const read = async (at: ReadArguments, maxPages = 1) => {
    const sample = await readSample(source, { at: { ...at, clientsPath }, maxPages }, finish)
    clientsPath ??= sample.pages.find(({ path }) => path !== undefined)?.path
    return sample
  }
  const { limit: pageSize, output } = poll
  const scanFrom = (lastChanged: SourceTime) => ({ lastChanged, checkPoint: null, limit: pageSize, output })
  const aDayBefore = (ms: number) => scanFrom(wallClock(ms - DAY_MS, poll.timeZone))
  const at = beginAt === undefined ? aDayBefore(clock.now()) : scanFrom(beginAt)
  const first = await read(at)
  const [page] = first.pages
  if (page === undefined)
    return { polaris: resultOfError(first.error, limit), ...checkLogin(config, page), ...withoutPage }
  const now = clock.now()
  const next = page.hasMoreResults ? { ...at, checkPoint: page.checkPoint } : undefined
  const second = next && (await read(next))
  const day = await read(aDayBefore(page.serverTime ?? now), DAY_PAGES)
  const clients = [...page.clients, ...(second?.clients ?? [])]
  const pages = [page, ...(second?.pages ?? []), ...day.pages]
  const { mapping, ...judged } = judgeByRun(pages, config, { known, limit })
  return {
    polaris: judgePage(page, at, beginAt),
    ...checkLogin(config, page),
    layout: judgeLayout(page),
    'second page': judgeSecondPage(second, limit),
    'interleaved scans':
      next === undefined || second?.error !== undefined
        ? skippedResult('requires a second page')
        : judgeSecondPageAgain(second, await read(next), { ...poll, ...limit }),
    fields: judged.fields,
    'client ids': judgeIds([...clients, ...day.clients], mapping),
    lists: poll.output === 'json' ? okResult('in JSON, an array is a list') : judgeLists(clients, config.fields.lists),
    'configured paths': judged.paths,
    'dead letters': judged.deadLetters,
    'server clock': judgeServerClock(page, now),
    'time zone': judgeTimeZone({ ...day, now: day.pages.at(-1)?.serverTime ?? clock.now() }, mapping, poll.timeZone),
  }
}

const requiresPage = skippedResult('requires a page')
const withoutPage: CheckResults = {
  layout: requiresPage,
  'second page': requiresPage,
  'interleaved scans': requiresPage,
  fields: requiresPage,
  'client ids': requiresPage,
  lists: requiresPage,
  'configured paths': requiresPage,
  'dead letters': requiresPage,
  'server clock': requiresPage,
  'time zone': requiresPage,
}

/** Tells whether a login is proved: a server may accept any password, and then return no page. */
function checkLogin({ polaris }: StreamUnderTest['config'], page: Page | undefined): CheckResults {
  if (polaris.auth.kind !== 'login') return {}
  return { login: page === undefined ? skippedResult('not proved: requires a page') : okResult('proved by a page') }
}

/** Judges whether the server accepts its own token. */
function judgeSecondPage(second: Sample | undefined, limit: TimeLimit): CheckResult {
  if (second === undefined) return skippedResult('no more results follow')
  return second.error === undefined ? okResult(`${second.clients.length} clients`) : resultOfError(second.error, limit)
}

function judgeSecondPageAgain(
  second: Sample | undefined,
  again: Sample,
  { backfill, ...limit }: TimeLimit & StreamUnderTest['config']['poll'],
): CheckResult {
  if (again.error !== undefined) return resultOfError(again.error, limit)
  return judgeInterleaving(second?.clients ?? [], again.clients, backfill)
}

interface JudgedFields {
  readonly fields: CheckResult
  readonly paths: CheckResult
  readonly deadLetters: CheckResult
  readonly mapping: FieldMapping | undefined
}

/** Judges by the functions of `run` whether it would hold the stream because of these pages, after what is known. */
function judgeByRun(
  pages: readonly Page[],
  { fields, rules, events, poll }: StreamUnderTest['config'],
  { known, limit }: { known: StreamMapping; limit: TimeLimit },
): JudgedFields {
  const configured = configuredPaths(rules)
  const skipped = skippedResult('requires a page with clients')
  let mapping = known[poll.output]
  try {
    for (const page of pages) mapping = mapPage(page, fields, mapping)
  } catch (error) {
    return { fields: resultOfError(error, limit), paths: skipped, deadLetters: skipped, mapping: undefined }
  }
  const clients = pages.flatMap((page) => page.clients)
  const result = judgeFields(clients, mapping ?? undefined)
  if (mapping === null || clients.length === 0)
    return { fields: result, paths: skipped, deadLetters: skipped, mapping: undefined }
  const causes = clients.map(clientReader(mapping, known.lists, rules)).map((client) => deadLetterCause(client, events))
  const deadLetters = judgeDeadLetters(causes.map((cause) => cause?.code))
  try {
    let { matched } = mapping
    for (const page of pages) matched = configured.take(page.clients, matched)
    return { fields: result, paths: judgePaths(configured.missing(matched)), deadLetters, mapping }
  } catch (error) {
    return { fields: result, paths: resultOfError(error, limit), deadLetters, mapping }
  }
}

/** Judges whether the clients have the paths in the configuration. */
function judgePaths(missing: readonly string[]): CheckResult {
  if (missing.length === 0) return okResult('all of them occur')
  return warningResult(`no client has ${missing.join(', ')}`, 'correct or remove these paths, unless they are rare')
}

/** Pages of one scan, as far as they were read, whatever they hold. */
interface Sample {
  readonly pages: readonly Page[]
  readonly clients: readonly ClientRecord[]
  /** Whether the scan was read to its end. */
  readonly isComplete: boolean
  /** What ended the scan early. */
  readonly error: unknown
}

/** Reads pages of one scan that `run` might refuse: their clients need no id. Never rejects. */
async function readSample(
  source: ClientSource,
  { at, maxPages }: { at: PageRequest; maxPages: number },
  stop: AbortSignal,
): Promise<Sample> {
  const pages: Page[] = []
  let error: unknown
  try {
    for (let { checkPoint, clientsPath } = at; pages.length < maxPages; ) {
      const page = await source.read({ ...at, checkPoint, clientsPath }, stop)
      pages.push(page)
      clientsPath ??= page.path
      if (!page.hasMoreResults || page.checkPoint === null) break
      checkPoint = page.checkPoint
    }
  } catch (thrown) {
    error = thrown
  }
  const isComplete = error === undefined && pages.at(-1)?.hasMoreResults === false
  return { pages, clients: pages.flatMap(({ clients }) => clients), isComplete, error }
}
