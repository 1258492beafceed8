import type * as z from 'zod'
import { groupDefaults, type PlacementConfig } from '../../placement/placement-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

export const placementSection = setting.section('Which replica runs which streams', {
  mode: setting.choiceOr('group', ['group', 'single'], {
    description:
      '`group`: any number of replicas share the streams through the Kafka consumer group `<connector>`. `single`: one process runs all streams; if a second one starts, it takes them over and the first one exits',
    variable: 'PLACEMENT',
  }),
  slotsTopic: setting
    .text(
      {
        description:
          'Empty topic whose partitions are the slots that the consumer group assigns to the replicas; each stream belongs to one slot. Created with 24 partitions if `kafka.topics.create` allows it. Default: `<connector>.slots`',
      },
      check.isTopic,
      check.topicRule,
    )
    .optional(),
  sessionTimeout: setting.duration(
    groupDefaults.sessionTimeoutMs,
    {
      description:
        "A replica that sends no heartbeat for this long loses its streams. At least the broker's `group.min.session.timeout.ms` (6s by default). The new owner does not wait for the page in progress but fences it",
    },
    { min: 2000, max: 30 * 60_000 },
  ),
})

/** `topics`: how missing topics are created. */
export function placementConfig(
  { mode, slotsTopic, sessionTimeout }: z.output<typeof placementSection>,
  topics: { readonly create: boolean; readonly replicationFactor: number },
): PlacementConfig {
  if (mode === 'single') return { mode }
  return {
    ...groupDefaults,
    mode,
    topic: slotsTopic,
    create: topics.create ? { ...groupDefaults.create, replicationFactor: topics.replicationFactor } : undefined,
    sessionTimeoutMs: sessionTimeout,
  }
}
