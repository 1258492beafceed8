import { groupDefaults } from '../placement/placement-config.ts'
import * as check from './setting-checks.ts'
import * as setting from './setting-types.ts'

const { create, sessionTimeoutMs, heartbeatMs, rebalanceTimeoutMs } = groupDefaults

/** Which replica runs which streams. */
export const placementSection = setting.section('Which replica runs which streams', {
  mode: setting.choiceOr('group', ['group', 'single'], {
    description:
      '`group`: any number of replicas share the streams out by the Kafka consumer group `<connector>`. `single`: one process runs all; a second takes them over, and the first ends',
    variable: 'PLACEMENT',
  }),
  slots: setting.section('What the replicas share out: the partitions of a topic that stays empty', {
    topic: setting
      .text({ description: 'The topic; without it, `<connector>.slots`' }, check.isTopic, check.topicRule)
      .optional(),
    create: setting
      .flag({ description: 'Create it when it is missing, else wait for it; without it, as `kafka.topics.create`' })
      .optional(),
    partitions: setting.wholeNumberOr(
      create.partitions,
      { min: 1, max: 10_000 },
      {
        description: 'Partitions of a new topic: at most so many replicas have streams. More of them move most streams',
      },
    ),
    replicationFactor: setting.wholeNumberOr(
      create.replicationFactor,
      { min: -1, max: 100 },
      { description: "Copies of a new topic; -1: the broker's default" },
    ),
  }),
  sessionTimeout: setting.duration(
    sessionTimeoutMs,
    {
      description:
        "A replica that is silent for so long has lost its streams; at least the broker's `group.min.session.timeout.ms` (6s). May be shorter than `shutdown.finishWithin`: a successor does not wait for a page in hand, it fences it",
    },
    { min: 1000, max: 30 * 60_000 },
  ),
  heartbeat: setting.duration(
    heartbeatMs,
    {
      description:
        'A replica notices within this time that another came or left; less than a third of `sessionTimeout`',
    },
    { min: 250, max: 10 * 60_000 },
  ),
  rebalanceTimeout: setting.duration(
    rebalanceTimeoutMs,
    { description: 'How long a change of the group waits for a replica that does not answer' },
    { min: 1000, max: 30 * 60_000 },
  ),
})
