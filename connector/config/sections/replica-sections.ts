import type * as z from 'zod'
import { groupDefaults, type PlacementConfig } from '../../placement/placement-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'
import { durationText } from '../units.ts'

export const log = setting.section('Logging', {
  level: setting.choice({
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    variable: 'LOG_LEVEL',
    description: 'Minimum level of the lines that are written',
  }),
  format: setting.choice({
    choices: ['auto', 'json', 'text'],
    default: 'auto',
    variable: 'LOG_FORMAT',
    description: 'JSON lines or readable text; `auto`: text on a terminal, JSON otherwise',
  }),
})

export const http = setting.section('HTTP endpoints: health, metrics and the status page', {
  host: setting.text({ default: '0.0.0.0', variable: 'HTTP_HOST', description: 'Address to listen on' }),
  port: setting.wholeNumber({
    min: 0,
    max: 65_535,
    default: 8080,
    variable: 'HTTP_PORT',
    description: 'Port to listen on; 0: any free port',
  }),
  runbookUrl: setting
    .text({
      check: check.httpUrl,
      variable: 'RUNBOOK_URL',
      description:
        'Address where your team reads `docs/runbook.md`: log, `/readyz`, status page and alerts link to its sections',
      examples: ['https://wiki.example.com/polaris/runbook.html'],
    })
    .optional(),
})

export const placement = setting.section('Which replica runs which streams', {
  mode: setting.choice({
    choices: ['group', 'single'],
    default: 'group',
    variable: 'PLACEMENT',
    description:
      '`group`: replicas share the streams through the Kafka consumer group `<connector>`. `single`: one process runs all streams; a second one takes them over, and the first one exits',
  }),
  slotsTopic: setting
    .text({
      check: check.topic,
      description:
        'Empty topic whose partitions are the slots of the consumer group. Created with 24 partitions if `kafka.topics.create` allows it. Default: `<connector>.slots`',
    })
    .optional(),
  sessionTimeout: setting.duration({
    min: 2_000,
    max: 30 * 60_000,
    default: durationText(groupDefaults.sessionTimeoutMs),
    description:
      "A replica that sends no heartbeat for this long loses its streams. At least the broker's `group.min.session.timeout.ms` (6s by default)",
  }),
})

/** `topics`: how missing topics are created. */
export function placementConfig(
  { mode, slotsTopic, sessionTimeout }: z.output<typeof placement>,
  { create, replicationFactor }: { readonly create: boolean; readonly replicationFactor: number },
): PlacementConfig {
  if (mode === 'single') return { mode }
  return {
    ...groupDefaults,
    mode,
    topic: slotsTopic,
    create: create ? { ...groupDefaults.create, replicationFactor } : undefined,
    sessionTimeoutMs: sessionTimeout,
  }
}
