import type * as z from 'zod'
import { groupDefaults, type PlacementConfig } from '../../placement/placement-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const { create, sessionTimeoutMs, heartbeatMs, rebalanceTimeoutMs } = groupDefaults

export const placementSection = setting.section('Which replica runs which streams', {
  mode: setting.choiceOr('group', ['group', 'single'], {
    description:
      '`group`: any number of replicas share the streams through the Kafka consumer group `<connector>`. `single`: one process runs all streams; if a second one starts, it takes them over and the first one exits',
    variable: 'PLACEMENT',
  }),
  slots: setting.section(
    'Slots: the partitions of an empty topic, which the consumer group assigns to the replicas. Each stream belongs to one slot',
    {
      topic: setting
        .text(
          { description: 'Topic whose partitions are the slots. Default: `<connector>.slots`' },
          check.isTopic,
          check.topicRule,
        )
        .optional(),
      create: setting
        .flag({
          description:
            'Create the topic if it is missing; if `false`, wait for it. Default: the value of `kafka.topics.create`',
        })
        .optional(),
      partitions: setting.wholeNumberOr(
        create.partitions,
        { min: 1, max: 10_000 },
        {
          description:
            'Number of partitions of a new topic: the maximum number of replicas that run streams. Adding partitions later moves most streams to other replicas',
        },
      ),
      replicationFactor: setting.wholeNumberOr(
        create.replicationFactor,
        { min: -1, max: 100 },
        { description: "Replication factor of a new topic; -1: the broker's default" },
      ),
    },
  ),
  sessionTimeout: setting.duration(
    sessionTimeoutMs,
    {
      description:
        "A replica that sends no heartbeat for this long loses its streams. At least the broker's `group.min.session.timeout.ms` (6s by default). May be less than `shutdown.finishWithin`: the new owner does not wait for the page in progress but fences it",
    },
    { min: 1000, max: 30 * 60_000 },
  ),
  heartbeat: setting.duration(
    heartbeatMs,
    {
      description:
        'Interval of heartbeats: a replica notices within this time that another one joined or left. Must be less than a third of `sessionTimeout`',
    },
    { min: 250, max: 10 * 60_000 },
  ),
  rebalanceTimeout: setting.duration(
    rebalanceTimeoutMs,
    { description: 'How long a rebalance waits for a replica that does not respond' },
    { min: 1000, max: 30 * 60_000 },
  ),
})

/** `createTopics` applies if `slots.create` is not set. */
export function placementConfig(
  placement: z.output<typeof placementSection>,
  { createTopics }: { createTopics: boolean },
): PlacementConfig {
  const { mode, slots, sessionTimeout, heartbeat, rebalanceTimeout } = placement
  if (mode === 'single') return { mode }
  const { partitions, replicationFactor } = slots
  return {
    ...groupDefaults,
    mode,
    topic: slots.topic,
    create: (slots.create ?? createTopics) ? { partitions, replicationFactor } : undefined,
    sessionTimeoutMs: sessionTimeout,
    heartbeatMs: heartbeat,
    rebalanceTimeoutMs: rebalanceTimeout,
  }
}
