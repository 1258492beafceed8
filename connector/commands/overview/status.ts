import * as z from 'zod'
import type { ConnectorConfig } from '../../config/connector-config.ts'
import { settingNames } from '../../config/setting-names.ts'
import type { Naming } from '../../runtime/connector-error.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { scanKinds } from '../../scan/scan-state.ts'
import { type Command, configOption, configSources, jsonOption, printOutput } from '../command.ts'
import { asOperator } from '../command-resources.ts'
import type { Screen } from '../output/screen.ts'
import { ageText, isoTime, table, wrappedText } from '../output/text.ts'
import { type FoundStreams, findStreams } from './find-streams.ts'
import { type SeenGroup, type StreamOverview, streamOverview } from './stream-overview.ts'
import { hintOf } from './stream-trouble.ts'

const states =
  'running, opening, rebalancing, paused, new; or, needing attention: held, failing, source-down, source-refuses, throttled'

/** What `status --json` prints. */
export const statusShape = z.strictObject({
  connector: z.string().describe('Name of the connector'),
  needsAttention: z.boolean().describe('Whether a stream does, or Kafka or the control object cannot be read'),
  streams: z
    .array(
      z.strictObject({
        stream: z.string().describe('Name of the stream'),
        state: z.string().describe(`${states}, group-unreachable, stalled, unassigned, unreadable`),
        needsAttention: z.boolean().describe('Whether the stream needs attention'),
        code: z.string().nullable().describe('Error code'),
        since: z.iso.datetime().nullable().describe('Since when; of a running stream, when it was opened'),
        lagSeconds: z
          .number()
          .nullable()
          .describe('Since the start of the last live scan that is saved; at most a minute more than it is'),
        scans: z
          .array(
            z.strictObject({
              scan: z.enum(scanKinds).describe('Kind of scan'),
              clients: z.int().describe('Clients read so far'),
              share: z.number().nullable().describe('Of the clients to read, 0 to 1, by modification time'),
            }),
          )
          .readonly()
          .describe('The background scans in progress'),
        replica: z.string().nullable().describe('The replica that has it; without a group, that had it last'),
        remark: z.string().nullable().describe('More about the state, such as the reason of a pause'),
        hint: z.string().nullable().describe('What to do about the code'),
      }),
    )
    .readonly()
    .describe('In the order of the configuration'),
  groupUnreadable: z.string().nullable().describe('Error code: it is unknown which replica has which stream'),
  controlUnreadable: z.string().nullable().describe('Error code: it is unknown which streams are paused or held'),
})
type Output = z.output<typeof statusShape>

export const status: Command = {
  name: 'status',
  summary: 'show the state of all streams, and which need attention',
  usage:
    'Reads the consumer group, the checkpoints and the control object, where replicas report streams\n' +
    'that are held, or have been failing for a minute. Prints for each stream its state, error\n' +
    'code, lag, scans in progress and replica, and what to do. Works without Kafka too. Changes nothing.\n' +
    'The lag is that of the checkpoint, which an idle stream saves once a minute.\n' +
    'Exit code: 0 no stream needs attention, 1 one does, 2 invalid configuration, 3 the checkpoint\n' +
    'store is unavailable.',
  options: { ...configOption, ...jsonOption },
  examples: ['status --config connector.yaml', 'status --config connector.yaml --json'],
  outputs: { '--json': statusShape },
  run: (args, parts) =>
    asOperator(args, parts, async ({ config, shared }) => {
      let unreadable: string | null = null
      const found = await findStreams<SeenGroup>(shared, parts, (view) =>
        view.catch((error) => {
          parts.stop.throwIfAborted()
          unreadable = codeOf(error)
          return 'unreachable'
        }),
      )
      const seen = { now: shared.clock.now(), groupUnreadable: unreadable }
      const report = named(statusReport(config, found, seen), settingNames(configSources(args, parts)))
      printOutput(args, parts, { json: report, lines: () => statusLines(report, parts.screen) })
      return report.needsAttention ? 1 : 0
    }),
}

const named = (report: Output, names: Naming): Output => ({
  ...report,
  streams: report.streams.map((one) => ({ ...one, hint: one.hint === null ? null : names(one.hint, one.stream) })),
})

/** A replica of an idle stream saves once a minute. */
const SAVES_MISSED = 2

interface Seen {
  readonly now: number
  readonly groupUnreadable: string | null
}

export function statusReport(
  config: Pick<ConnectorConfig, 'connector' | 'streams' | 'savePeriodMs' | 'readyAfterMs'>,
  found: FoundStreams<SeenGroup>,
  { now, groupUnreadable }: Seen,
): Output {
  const streams = config.streams.map((stream) => {
    const quietMs = Math.max(3 * stream.poll.maxIntervalMs, config.readyAfterMs) + SAVES_MISSED * config.savePeriodMs
    return outputOf(streamOverview(stream, found, { now, quietMs }))
  })
  const controlUnreadable = found.control.unreadable ?? null
  const isBlind = groupUnreadable !== null || controlUnreadable !== null
  return {
    connector: config.connector,
    needsAttention: isBlind || streams.some(({ needsAttention }) => needsAttention),
    streams,
    groupUnreadable,
    controlUnreadable,
  }
}

function outputOf({ since, lagMs, code, ...overview }: StreamOverview): Output['streams'][number] {
  return {
    ...overview,
    code,
    since: since === null ? null : new Date(since).toISOString(),
    lagSeconds: lagMs === null ? null : Math.round(lagMs) / 1000,
    hint: (code === null ? undefined : hintOf(code)) ?? null,
  }
}

/** The report as a table, and below it what to do about each error code. */
export function statusLines(report: Output, { paint, width }: Pick<Screen, 'paint' | 'width'>): string[] {
  const { streams, groupUnreadable, controlUnreadable } = report
  const header = ['STREAM', 'STATE', 'SINCE', 'LAG', 'SCANS', 'REPLICA', ''].map((name) => paint('bold', name))
  const rows = streams.map((one) => [
    one.stream,
    one.needsAttention ? paint('red', one.state) : one.state,
    one.since === null ? none : isoTime(Date.parse(one.since)),
    one.lagSeconds === null ? none : ageText(one.lagSeconds * 1000),
    one.scans.map(scanText).join(', ') || none,
    one.replica ?? none,
    paint('yellow', one.code ?? one.remark ?? ''),
  ])
  const hints = new Map(streams.flatMap(({ code, hint }) => (hint === null ? [] : [[code, hint]])))
  const unreadable = [
    ...(groupUnreadable === null ? [] : [`consumer group cannot be read: ${groupUnreadable}`]),
    ...(controlUnreadable === null ? [] : [`control object cannot be read: ${controlUnreadable}`]),
  ].map((text) => paint('yellow', `${text} → run polaris-connector doctor`))
  const hintLines = [...hints].flatMap(([code, hint]) => wrappedText(`${code} → ${hint}`, width))
  return [...table([header, ...rows]), ...(hintLines.length === 0 ? [] : ['', ...hintLines]), ...unreadable]
}

const none = '–'

const scanText = ({ scan, clients, share }: Output['streams'][number]['scans'][number]) =>
  share === null ? `${scan} (${clients} clients)` : `${scan} ${Math.floor(share * 100)} %`
