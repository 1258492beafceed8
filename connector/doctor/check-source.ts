import { type FieldMapping, mapFields } from '../event/field-mapping.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Page, ReadArguments } from '../source/client-source.ts'
import { wallClock } from '../source/source-time.ts'
import type { StreamUnderTest } from './doctor-parts.ts'
import { type Findings, failure, type Judgement, skipped } from './finding.ts'
import { judgeFields, judgePage, judgeServerClock, judgeTimeZone } from './judge-page.ts'

/** Reads one page from the beginning of the stream, as a drain of its own, and throws it away. Never rejects. */
export async function checkSource(
  { config, source }: Pick<StreamUnderTest, 'config' | 'source'>,
  clock: Clock,
  patience: AbortSignal,
): Promise<Findings> {
  const at = config.beginAt ?? yesterday(config.poll, clock)
  let page: Page
  try {
    page = await source.read(at, patience)
  } catch (error) {
    const polaris = failure(error, { late: 'source.timeout', patience })
    const none = skipped('a page is needed')
    return { polaris, fields: none, 'server clock': none, 'time zone': none }
  }
  const now = clock.now()
  const { fields, mapping } = foundFields(page, { config, patience })
  return {
    polaris: judgePage(page, at),
    fields,
    'server clock': judgeServerClock(page, now),
    'time zone': judgeTimeZone(page, mapping, { timeZone: config.poll.timeZone, now }),
  }
}

const dayMs = 24 * 60 * 60 * 1000

/** Where a stream without a configured beginning is looked at. */
function yesterday(poll: StreamUnderTest['config']['poll'], clock: Clock): ReadArguments {
  const { limit, output, timeZone } = poll
  return { lastChanged: wallClock(clock.now() - dayMs, timeZone), checkPoint: null, limit, output }
}

function foundFields(
  { clients }: Page,
  { config, patience }: { config: StreamUnderTest['config']; patience: AbortSignal },
): { fields: Judgement; mapping: FieldMapping | undefined } {
  try {
    const mapping = mapFields(clients, config.fields, null)
    return { fields: judgeFields(clients, mapping), mapping }
  } catch (error) {
    return { fields: failure(error, { late: 'source.timeout', patience }), mapping: undefined }
  }
}
