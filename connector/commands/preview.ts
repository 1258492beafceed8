import { composePreview } from '../compose/compose-source.ts'
import type { Settings } from '../config/config-schema.ts'
import { connectorConfig } from '../config/connector-config.ts'
import { type ConfigSources, loadConfig, readConfig } from '../config/load-config.ts'
import { eventSettings, readingRules } from '../event/configured-events.ts'
import { previewRecords } from '../inspect/preview/preview-records.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { DAY_MS } from '../runtime/units.ts'
import { wallClock } from '../source/source-time.ts'
import {
  type Command,
  type CommandArgs,
  type CommandParts,
  configOption,
  configSources,
  jsonOption,
  optionText,
} from './command.ts'
import { invalidRequest, onlyStream, streamOption } from './command-resources.ts'
import { showingProgress } from './output/shown-progress.ts'

export const preview: Command = {
  name: 'preview',
  summary: 'print the first events as they would be published, and publish nothing',
  usage:
    'Reads clients from the beginning of the stream (POLARIS_LAST_CHANGED, or else of the last day) and\n' +
    'prints their events. Connects to Polaris only: needs neither Kafka nor a checkpoint store, nor\n' +
    'their settings, and changes nothing.\n' +
    'Masks what it prints of a client: a word is xxx, a digit 9. With --show-data, prints personal\n' +
    'data.',
  options: {
    ...configOption,
    ...streamOption,
    limit: { type: 'string', value: 'number', description: 'number of events; default: 3' },
    'show-data': { type: 'boolean', description: 'do not mask the clients' },
    ...jsonOption,
  },
  examples: ['preview --config connector.yaml', 'preview --config connector.yaml --stream lyon --limit 10'],
  run: async (args, parts) => {
    const value = await previewed(args, { ...parts, limit: limitOf(args), clock: systemClock })
    return { exit: 0, value }
  },
}

const DEFAULT_LIMIT = 3
const MAX_LIMIT = 1000

function limitOf(args: CommandArgs): number {
  const text = optionText(args, 'limit') ?? String(DEFAULT_LIMIT)
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MAX_LIMIT) throw invalidRequest(`--limit must be a whole number from 1 to ${MAX_LIMIT}`)
  return limit
}

async function previewed(
  args: CommandArgs,
  { limit, clock, ...parts }: CommandParts & { readonly limit: number; readonly clock: Clock },
) {
  const config = connectorConfig(loadWithoutTargets(configSources(args, parts)))
  const stream = onlyStream(args, config.streams)
  await using closing = closeStack()
  const since = stream.beginAt ?? wallClock(clock.now() - DAY_MS, stream.poll.timeZone)
  const isMasked = args['show-data'] !== true
  const wanted = { stream, rules: readingRules(stream), settings: eventSettings(stream), isMasked, limit }
  const reading = previewRecords(composePreview({ ...stream, beginAt: since }, { clock, closing }), wanted, parts.stop)
  const text = () => `reading from ${new URL(stream.polaris.url).origin}`
  const { records, lists } = await showingProgress(reading, { output: parts, text, clock })
  return { stream: stream.name, since, masked: isMasked, lists, records }
}

/** Values for required settings that a preview does not use, by path. */
const unused: ReadonlyMap<string | undefined, Readonly<Record<string, string>>> = new Map([
  ['kafka.brokers', { KAFKA_BROKERS: 'unused:9092' }],
  ['checkpoint.url', { CHECKPOINT_URL: 'file:unused' }],
])

/** Like `loadConfig`, but the brokers and the checkpoint store may be missing. */
export function loadWithoutTargets(sources: ConfigSources): Settings {
  const loaded = readConfig(sources)
  if (loaded.kind === 'valid') return loaded.settings
  const replaced = loaded.problems.map(({ path, what }) => (what.startsWith('is missing') ? unused.get(path) : {}))
  return loadConfig({ ...sources, environment: Object.assign({}, sources.environment, ...replaced) })
}
