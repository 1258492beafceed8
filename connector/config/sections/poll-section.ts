import * as z from 'zod'
import type { LookBackSetting, ScanSettings } from '../../scan/scan-settings.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'
import type { PolarisSettings } from './polaris-section.ts'

/** Holds what only we can tune. */
export const pollDefaults = {
  /** Each live scan reads this period before the start of the previous one again. */
  overlapMs: 15_000,
}

const MAX_LOOK_BACKS = 9

const lookBacks = z
  .array(
    z
      .string(check.lookBack.rule)
      .refine(check.lookBack.isValid, check.lookBack.rule)
      .transform((text): LookBackSetting => {
        const [reach = '', every = ''] = text.split('/')
        return { reachMs: check.durationMs(reach) ?? 0, everyMs: check.durationMs(every) ?? 0 }
      }),
    check.lookBack.rule,
  )
  .max(MAX_LOOK_BACKS, `must have at most ${MAX_LOOK_BACKS} items`)
  .refine((all) => new Set(all.map(({ reachMs }) => reachMs)).size === all.length, 'must have each reach only once')

export const pollSection = setting.section('When and how the server is read', {
  interval: setting.duration('Time from the start of one live scan to the start of the next', {
    min: '1ms',
    default: '5s',
  }),
  lookBack: setting.list(
    'Scans for changes that become visible late: `reach/every`. Each reads again from the start of its last run minus its reach',
    lookBacks,
    { default: ['5m/1m', '26h/6h'] },
  ),
  fullScan: setting.section('Reads everything again from the configured beginning', {
    every: setting.duration('Time between full scans; 0s: no full scans', { min: '0s', default: '0d' }),
  }),
  backfill: setting.choice(
    'Whether a new stream reads its history `beside` live scans or `before` them, so that it is published first',
    { choices: ['beside', 'before'], default: 'beside' },
  ),
})

/** Returns how a stream is read. Pure. */
export function scanSettings(poll: z.output<typeof pollSection>, polaris: PolarisSettings): ScanSettings {
  const { interval, lookBack, fullScan, backfill } = poll
  const { limit, output, timeZone } = polaris
  return {
    intervalMs: interval,
    overlapMs: pollDefaults.overlapMs,
    lookBacks: lookBack.toSorted((left, right) => left.reachMs - right.reachMs),
    fullScan: fullScan.every === 0 ? undefined : { everyMs: fullScan.every },
    backfill,
    limit,
    output,
    timeZone,
  }
}
