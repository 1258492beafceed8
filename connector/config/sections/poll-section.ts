import * as z from 'zod'
import type { Hours, LookBackSetting, ScanSettings } from '../../scan/scan-settings.ts'
import { MAX_LOOK_BACKS } from '../../scan/scan-state.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'
import { durationMs } from '../units.ts'
import type { PolarisSettings } from './polaris-section.ts'

const day = 24 * 60 * 60_000

const lookBackText = z
  .string(check.lookBack.rule)
  .refine(check.lookBack.isValid, check.lookBack.rule)
  .transform((text): LookBackSetting => {
    const [reach = '', every = ''] = text.split('/')
    return { reachMs: durationMs(reach) ?? 0, everyMs: durationMs(every) ?? 0 }
  })

const lookBackMap = z
  .strictObject({ reach: z.string(), every: z.string() }, check.lookBack.rule)
  .transform(({ reach, every }) => `${reach}/${every}`)
  .pipe(lookBackText)

export const pollSection = setting.section('When and how the server is read', {
  interval: setting.duration({
    default: '5s',
    variable: 'POLL_INTERVAL',
    description: 'Time from the start of one live scan to the start of the next',
  }),
  maxInterval: setting.duration({
    default: '30s',
    variable: 'POLL_MAX_INTERVAL',
    description:
      'Longest interval: a stream without changes for ten minutes is polled more and more rarely, until the first change',
  }),
  overlap: setting.duration({
    min: 0,
    max: 30 * day,
    default: '15s',
    variable: 'POLL_OVERLAP',
    description: 'Each live scan reads this period before the start of the previous one again',
  }),
  lookBack: z
    .array(z.union([lookBackText, lookBackMap], check.lookBack.rule), check.lookBack.rule)
    .max(MAX_LOOK_BACKS, `must have at most ${MAX_LOOK_BACKS} items`)
    .prefault(['5m/1m', '26h/6h'])
    .meta({
      kind: 'list',
      variable: 'POLL_LOOK_BACK',
      description:
        'Look-backs find changes that become visible late, up to the longest reach. Each reads again from the start of its last run minus its `reach` and the overlap, `every` so often. Items are `reach/every`, or maps with `reach` and `every`',
    }),
  fullScan: setting.section('Reads everything again from the configured beginning', {
    every: setting.duration({
      min: 0,
      default: '0d',
      variable: 'POLL_FULL_SCAN_EVERY',
      description: 'Time between full scans; 0s: no full scans',
    }),
    hours: setting
      .text({
        check: check.hours,
        description: "Hours of the day in which full scans read, in the server's local time. Default: all day",
        examples: ['01:00-05:00'],
      })
      .optional(),
  }),
  backgroundShare: setting.wholeNumber({
    min: 1,
    max: 100,
    default: 50,
    description: 'Maximum percentage of the time for look-backs, backfill and full scans together',
  }),
  backfill: setting.choice({
    choices: ['beside', 'before'],
    default: 'beside',
    variable: 'POLL_BACKFILL',
    description:
      'When a new stream reads its history: `beside` live scans, or `before` them, so that history is published first',
  }),
})

/** How a stream is read. Pure. */
export function scanSettings(poll: z.output<typeof pollSection>, polaris: PolarisSettings): ScanSettings {
  const { every, hours } = poll.fullScan
  return {
    intervalMs: poll.interval,
    maxIntervalMs: Math.max(poll.interval, poll.maxInterval),
    overlapMs: poll.overlap,
    lookBacks: poll.lookBack.toSorted((left, right) => left.reachMs - right.reachMs),
    fullScan: every === 0 ? undefined : { everyMs: every, hours: hours === undefined ? undefined : hoursOf(hours) },
    backgroundShare: poll.backgroundShare / 100,
    backfill: poll.backfill,
    limit: polaris.limit,
    output: polaris.output,
    timeZone: polaris.timeZone,
  }
}

function hoursOf(text: string): Hours {
  const [from = '', to = ''] = text.split('-')
  return { from: minuteOf(from), to: minuteOf(to) }
}

const minuteOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))
