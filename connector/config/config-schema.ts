import * as z from 'zod'
import { checkpointSection } from './checkpoint-schema.ts'
import { kafkaSection, streamKafkaSection } from './kafka-schema.ts'
import { placementSection } from './placement-schema.ts'
import { polarisSection } from './polaris-schema.ts'
import * as check from './setting-checks.ts'
import * as setting from './setting-types.ts'

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute

const poll = setting.section('When and how the server is polled', {
  interval: setting.duration(5 * second, {
    description: 'From the start of a poll to the start of the next',
    variable: 'POLL_INTERVAL',
  }),
  overlap: setting.duration(
    5 * minute,
    {
      description:
        'How far each poll reaches back before the start of the one before. A change that shows later than this is not seen',
      variable: 'POLL_OVERLAP',
    },
    { min: 0, max: 30 * day },
  ),
  tail: setting.choiceOr('overlap', ['overlap', 'checkpoint'], {
    description: 'How the next poll begins: from a time with an overlap, or from the last `checkPoint` of the server',
    variable: 'POLL_TAIL',
  }),
  onRefusedCheckPoint: setting.choiceOr('read-again', ['read-again', 'stop'], {
    description: 'What to do when the server refuses its own `checkPoint`',
  }),
  maxEmptyPages: setting.wholeNumberOr(
    100,
    { min: 1, max: 1_000_000 },
    {
      description: 'Pages in a row without a client that stop the stream',
    },
  ),
  windowSize: setting.wholeNumberOr(
    20_000,
    { min: 0, max: 1_000_000 },
    {
      description:
        'Clients whose last content is remembered, so that an overlap doubles nothing; in each of two generations',
    },
  ),
})

const deadLetters = setting.section('Clients that cannot become an event', {
  includeClient: setting.flagOr('false', {
    description: 'Put the client itself, personal data included, into the dead letter',
  }),
  maxPercent: setting.wholeNumberOr(
    10,
    { min: 0, max: 100 },
    { description: 'Share of dead letters above which the stream stops' },
  ),
  minimum: setting.wholeNumberOr(
    10,
    { min: 1, max: 1_000_000 },
    { description: 'Dead letters below which it does not' },
  ),
  of: setting.wholeNumberOr(1000, { min: 1, max: 1_000_000 }, { description: 'How many of the last clients count' }),
})

const stream = setting.section('One source with its own checkpoint and order', {
  name: setting.textOr(
    'clients',
    { description: 'Name of the stream', variable: 'STREAM_NAME' },
    check.isStreamName,
    check.streamNameRule,
  ),
  polaris: polarisSection,
  poll,
  deadLetters,
  kafka: streamKafkaSection,
  sharedKeys: setting.flagOr('false', {
    description: "Allow the topic to be another stream's too: only where the same id means the same client in both",
  }),
})

/** The whole configuration: types, defaults, checks and documentation of every setting. The YAML file has this shape. */
export const configSchema = z
  .strictObject(
    {
      connector: setting.text(
        {
          description: 'Name of the connector: part of transactional ids, groups and checkpoint keys. Never change it',
          variable: 'CONNECTOR_ID',
        },
        check.isName,
        check.nameRule,
      ),
      log: setting.section('The log', {
        level: setting.choiceOr('info', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
          description: 'The least important lines that are written',
          variable: 'LOG_LEVEL',
        }),
      }),
      http: setting.section('Health and metrics', {
        host: setting.textOr('0.0.0.0', { description: 'Address to listen on' }),
        port: setting.wholeNumberOr(
          8080,
          { min: 0, max: 65_535 },
          { description: 'Port to listen on; 0: any', variable: 'HTTP_PORT' },
        ),
        readyAfter: setting.duration(2 * minute, {
          description:
            'How long a stream may make no progress, or the replica be out of the group, before `/readyz` says so; at least three poll intervals',
        }),
      }),
      kafka: kafkaSection,
      checkpoint: checkpointSection,
      placement: placementSection,
      shutdown: setting.section('Stopping', {
        finishWithin: setting.duration(50 * second, {
          description:
            'How long a page in hand may take to be published and saved; more than every timeout of Kafka and the store',
        }),
      }),
      streams: z
        .array(stream, 'is no list of streams')
        .min(1, 'is empty: name at least one stream')
        .prefault([{}] as never)
        .meta({ description: 'The streams. One may come from the environment alone' }),
    },
    'is no group of settings',
  )
  .meta({ title: 'Polaris clients connector' })

/** The configuration as loaded: durations in milliseconds, sizes in bytes, secrets wrapped. */
export type Settings = z.output<typeof configSchema>
export type StreamSettings = Settings['streams'][number]
