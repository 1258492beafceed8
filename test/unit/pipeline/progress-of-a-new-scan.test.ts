import { expect, test } from 'vitest'
import { clientReader } from '../../../connector/event/read-client.ts'
import { scanMemory } from '../../../connector/pipeline/group/scan-memory.ts'
import { readPages } from '../../../connector/pipeline/read/page-reader.ts'
import type { Processed } from '../../../connector/pipeline/read/reader-parts.ts'
import { createServerClock } from '../../../connector/pipeline/read/server-clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { noTimes } from '../../../connector/scan/scan-order.ts'
import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import { newScans, type ScanStates } from '../../../connector/scan/scan-state.ts'
import type { CheckPoint, Page, ReadArguments, SourceTime } from '../../../connector/source/client-source.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { backfillOf } from '../../support/scans.ts'
import { never } from '../../support/signals.ts'
import { noRetries } from '../stream/open/open-parts.ts'

const now = Date.parse('2026-06-15T12:00:00Z')
const hour = 3_600_000
const settings: ScanSettings = {
  ...{
    intervalMs: 5_000,
    maxIntervalMs: 5_000,
    overlapMs: 15_000,
    lookBacks: [{ reachMs: 26 * hour, everyMs: 6 * hour }],
  },
  ...{ fullScan: undefined, backgroundShare: 0.5, backfill: 'beside' },
  ...{ limit: 2, output: 'json', timeZone: 'UTC' },
}
/** An existing stream whose look-back is due; its last run began six hours ago. */
const states: ScanStates = {
  ...newScans,
  ...{ createdAt: 0, backfill: backfillOf('done'), interleaving: 'proven', begun: 1 },
  live: { startedAt: now - 5_000, scan: null },
  lookBacks: [{ reachMs: 26 * hour, startedAt: now - 6 * hour, dueAt: now }],
}
const lookBackFrom = '2026-06-14T03:59:45'

/** What the builder, one page behind, says while the first page of the look-back waits: it is of the run before. */
function formerRun(circle: 'none' | 'found'): Processed {
  const memory = scanMemory(newScans, settings)
  const run = { ordinal: 1, restarts: 0, order: noTimes, startedAt: now - 6 * hour }
  memory.beginScan(run, newScans)
  for (let page = 0; page <= (circle === 'found' ? 100 : 0); page += 1) {
    memory.add(run, read({ No: '1', Modif: '2026-06-15T05:59:00' }))
    memory.endPage(run)
  }
  expect(memory.isCycling(run)).toBe(circle === 'found')
  return { changes: () => 0, recheck: () => null, ...memory }
}
const read = clientReader({ clientId: 'No', modifiedAt: 'Modif' }, [], {
  timeZone: 'UTC',
  ignored: new Set(),
  lists: [],
  fields: undefined,
})

/** The `lastChanged` and token of each look-back request until the stream has caught up. */
async function lookBackRequests(processed: Processed, refusals: number): Promise<string[]> {
  const clock = virtualClock(now)
  const requests: string[] = []
  let left = refusals
  const readPage = async ({ lastChanged, checkPoint }: ReadArguments): Promise<Page> => {
    const isLive = lastChanged > '2026-06-15T11'
    if (!isLive) requests.push(`${lastChanged} ${checkPoint ?? '-'}`)
    if (checkPoint !== null && left-- > 0) throw new ConnectorError('source.request-refused', 'token refused')
    const hasMoreResults = !isLive && checkPoint === null
    const token = hasMoreResults ? ('a' as CheckPoint) : null
    return { clients: [{ No: '1' }], hasMoreResults, checkPoint: token, serverTime: now, tookMs: 1, bytes: 10 }
  }
  const parts = {
    ...{ source: { read: readPage }, clock, serverClock: createServerClock(clock, () => {}), settings },
    retry: noRetries,
    ...{ beginAt: '2000-01-01T00:00:00' as SourceTime, until: 'caught-up' as const, observe: () => {} },
    fields: { clientId: 'No', modifiedAt: 'Modif', clients: null, lists: [] },
  }
  for await (const _ of readPages(parts, { states, mapping: null, processed }, never));
  return requests
}

test('a refused second page begins the look-back at its start, not where the run before it ended', async () => {
  const again = `${lookBackFrom} -`
  const page = `${lookBackFrom} a`
  expect(await lookBackRequests(formerRun('none'), 1)).toEqual([again, page, again, again, page])
})

test('a look-back is not stuck when the run before it ended in a circle', async () => {
  const requests = await lookBackRequests(formerRun('found'), 0)
  expect(requests).toEqual([`${lookBackFrom} -`, `${lookBackFrom} a`])
})
