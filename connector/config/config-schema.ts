import * as z from 'zod'
import { checkpointSection } from './sections/checkpoint-section.ts'
import { eventSection } from './sections/event-section.ts'
import { httpSection } from './sections/http-section.ts'
import { kafkaSection, streamKafkaSection } from './sections/kafka-section.ts'
import { placementSection } from './sections/placement-section.ts'
import { polarisSection } from './sections/polaris-section.ts'
import { pollSection } from './sections/poll-section.ts'
import { removedSection } from './sections/removed-section.ts'
import * as check from './setting-checks.ts'
import * as setting from './setting-types.ts'

const deadLetters = setting.section('Clients that cannot become an event', {
  includeClient: setting.flagOr('false', {
    description: 'Include the client, with its personal data, in the dead letter',
  }),
  maxPercent: setting.wholeNumberOr(
    10,
    { min: 0, max: 100 },
    {
      description:
        'Percentage of dead letters among the last 1,000 clients above which the stream is held, if there are at least ten; suppressed clients are not counted',
    },
  ),
})

const stream = setting.section('One source with its own checkpoint and order', {
  name: setting.textOr(
    'clients',
    { description: 'Name of the stream', variable: 'STREAM_NAME' },
    check.isStreamName,
    check.streamNameRule,
  ),
  polaris: polarisSection,
  poll: pollSection,
  removed: removedSection,
  event: eventSection,
  deadLetters,
  kafka: streamKafkaSection,
  sharedKeys: setting.flagOr('false', {
    description:
      'Allow other streams with `sharedKeys` to use the same topic. Only set this if the same id means the same client in all of them',
  }),
})

/** The whole configuration, in the shape of the YAML file: type, default, check and documentation of every setting. */
export const configSchema = z
  .strictObject(
    {
      connector: setting.text(
        {
          description:
            'Name of the connector: part of transactional ids, consumer groups and checkpoint keys. Never change it',
          variable: 'CONNECTOR_ID',
        },
        check.isName,
        check.nameRule,
      ),
      log: setting.section('Logging', {
        level: setting.choiceOr('info', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
          description: 'Minimum level of the lines that are written',
          variable: 'LOG_LEVEL',
        }),
        format: setting.choiceOr('auto', ['auto', 'json', 'text'], {
          description: 'JSON lines or readable text; `auto`: text on a terminal, JSON otherwise',
          variable: 'LOG_FORMAT',
        }),
      }),
      http: httpSection,
      contract: setting.section('The schemas of events, for subscribers', {
        url: setting
          .text(
            {
              description:
                'URL of the folder `contract` where subscribers can read it, such as a web server, or `/contract` of the connector itself. `dataschema` then points to it; otherwise it is a URN',
              variable: 'CONTRACT_URL',
              examples: ['https://schemas.example.com/polaris'],
            },
            check.isHttpUrl,
            check.httpUrlRule,
          )
          .optional(),
      }),
      kafka: kafkaSection,
      checkpoint: checkpointSection,
      placement: placementSection,
      streams: z
        .array(stream, 'must be a list of streams')
        .min(1, 'must contain at least one stream')
        .prefault([{}] as never)
        .meta({ description: 'The streams. A single stream can be configured with environment variables only' }),
    },
    'must be a map of settings',
  )
  .meta({ title: 'Polaris clients connector' })

/** The loaded configuration: durations in milliseconds, sizes in bytes, secrets as `Secret`. */
export type Settings = z.output<typeof configSchema>
export type StreamSettings = Settings['streams'][number]
