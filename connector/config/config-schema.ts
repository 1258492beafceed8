import * as z from 'zod'
import { slotsTopic } from '../placement/placement-config.ts'
import { wallClock } from '../source/source-time.ts'
import type { Violation } from './config-problem.ts'
import { checkedFieldRules, eventSection } from './sections/event-section.ts'
import { deadLetterTopic, kafkaSection, streamKafkaSection } from './sections/kafka-section.ts'
import { beginAt, polarisSection } from './sections/polaris-section.ts'
import { pollSection } from './sections/poll-section.ts'
import { checkpointSection, http, log, placement } from './sections/replica-sections.ts'
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
  .withRules(
    setting.strictSection({
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
        .withRules(streams, [sameLimitsOfServer, distinctNames, distinctTopics])
        .prefault([{}] as never)
        .meta({ description: 'The streams. A single stream can be configured with environment variables only' }),
    }),
    [topicOfSlots],
  )
  .meta({ title: 'Polaris clients connector' })

/** The loaded configuration: durations in milliseconds, sizes in bytes, secrets as `Secret`. */
export type Settings = z.output<typeof configSchema>
export type StreamSettings = z.output<typeof stream>

function sameLimitsOfServer(streams: readonly StreamSettings[]): Violation[] {
  const origins = streams.map(({ polaris }) => new URL(polaris.url).origin)
  return streams.flatMap(({ polaris: { requestsPerSecond } }, index) => {
    const twin = origins.indexOf(origins[index] ?? '')
    if (requestsPerSecond === streams[twin]?.polaris.requestsPerSecond) return []
    const what = `must equal streams[${twin}].polaris.requestsPerSecond: both streams use the same server`
    return [{ path: [index, 'polaris', 'requestsPerSecond'], what }]
  })
}

function distinctNames(streams: readonly StreamSettings[]): Violation[] {
  return streams.flatMap(({ name }, index) => {
    const first = streams.findIndex((other) => other.name === name)
    const what = `must be unique: streams[${first}] has the same name`
    return first === index ? [] : [{ path: [index, 'name'], what }]
  })
}

function distinctTopics(streams: readonly StreamSettings[]): Violation[] {
  return streams.flatMap(({ kafka, sharedKeys }, index) => {
    const violationAt = (what: string): Violation[] => [{ path: [index, 'kafka', 'topic'], what }]
    const twin = streams.findIndex((other) => other.kafka.topic === kafka.topic)
    const isShared = twin === index || (sharedKeys && streams[twin]?.sharedKeys === true)
    const mixed = `is also the topic of streams[${twin}], which would mix their clients: use another topic, or set sharedKeys: true in both`
    return [
      ...(streams.some((other) => deadLetterTopic(other.kafka) === kafka.topic)
        ? violationAt('is also a dead-letter topic')
        : []),
      ...(isShared ? [] : violationAt(mixed)),
    ]
  })
}

/** Forbids a stream to use the topic of slots, which stays empty: only its partitions count. */
function topicOfSlots({ connector, streams }: { connector: string; streams: readonly StreamSettings[] }): Violation[] {
  return streams.flatMap(({ kafka }, index) =>
    (['topic', 'deadLetterTopic'] as const)
      .filter((key) => kafka[key] === slotsTopic(connector))
      .map((key) => ({
        path: ['streams', index, 'kafka', key],
        what: 'is the topic by which replicas share the streams: use another one',
      })),
  )
}

/**
 * Forbids a stream to begin in the future: nothing that is modified before its beginning is read. `now` is in ms since
 * 1970.
 */
export function futureBeginnings(streams: readonly StreamSettings[], now: number): Violation[] {
  return streams.flatMap(({ polaris }, index) => {
    const serverNow = wallClock(now, polaris.timeZone)
    const begin = beginAt(polaris)
    if (begin === undefined || begin <= serverNow) return []
    const what = `is in the future (it is ${serverNow} in ${polaris.timeZone}): changes until then would never be read`
    return [{ path: ['streams', index, 'polaris', 'lastChanged'], what }]
  })
}
