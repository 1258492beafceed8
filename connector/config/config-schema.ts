import * as z from 'zod'
import { distinctNames, distinctTopics, sameLimitsOfServer } from './cross-checks.ts'
import { checkpointSection } from './sections/checkpoint-section.ts'
import { checkedFieldRules, eventSection } from './sections/event-section.ts'
import { kafkaSection, streamKafkaSection } from './sections/kafka-section.ts'
import { polarisSection } from './sections/polaris-section.ts'
import { pollSection } from './sections/poll-section.ts'
import { http, log, placement } from './sections/replica-sections.ts'
import * as check from './setting-checks.ts'
import * as setting from './setting-types.ts'

const deadLetters = setting.section('Clients that cannot become an event', {
  includeClient: setting.flag('Include the client, with its personal data, in the dead letter', { default: false }),
})

const stream = setting.section(
  'One source with its own checkpoint and order',
  {
    name: setting.text('Name of the stream', { check: check.streamName, default: 'clients', variable: 'STREAM_NAME' }),
    polaris: polarisSection,
    poll: pollSection,
    event: eventSection,
    deadLetters,
    kafka: streamKafkaSection,
    sharedKeys: setting.flag('Other streams with `sharedKeys` may use the topic: an id means the same client in all', {
      default: false,
    }),
  },
  [checkedFieldRules],
)

const streams = z.array(stream, 'must be a list of streams').min(1, 'must contain at least one stream')

/** The whole configuration, in the shape of the YAML file: type, default, check and documentation of every setting. */
export const configSchema = setting
  .strictSection({
    connector: setting.text(
      'Name of the connector: part of transactional ids, consumer groups and checkpoint keys. Never change it',
      { check: check.name, variable: 'CONNECTOR_ID' },
    ),
    log,
    http,
    kafka: kafkaSection,
    checkpoint: checkpointSection,
    placement,
    streams: setting
      .ruled(streams, [sameLimitsOfServer, distinctNames, distinctTopics])
      .prefault([{}] as never)
      .meta({ description: 'The streams. A single stream can be configured with environment variables only' }),
  })
  .meta({ title: 'Polaris clients connector' })

/** The loaded configuration: durations in milliseconds, sizes in bytes, secrets as `Secret`. */
export type Settings = z.output<typeof configSchema>
export type StreamSettings = Settings['streams'][number]
