import { commandReader } from '../compose/compose-source.ts'
import { eventSettings, readingRules } from '../event/configured-events.ts'
import { previewRecords } from '../inspect/preview/preview-records.ts'
import { DAY_MS } from '../runtime/clock.ts'
import { wallClock } from '../source/source-time.ts'
import { type Command, type CommandArgs, configOption, jsonOption, optionText } from './command.ts'
import { invalidRequest, withStream } from './command-resources.ts'
import { showingProgress } from './output/shown-progress.ts'

export const preview: Command = {
  name: 'preview',
  summary: 'print the first events as they would be published, and publish nothing',
  usage:
    'Reads clients from the beginning of the stream (POLARIS_LAST_CHANGED, or else of the last day) and\n' +
    'prints their events. Connects to Polaris only, and changes nothing.\n' +
    'Masks what it prints of a client: a word is xxx, a digit 9. With --show-data, prints personal\n' +
    'data.',
  takesStream: true,
  options: {
    ...configOption,
    limit: { type: 'string', value: 'number', description: 'number of events, at most 1000; default: 3' },
    'show-data': { type: 'boolean', description: 'do not mask the clients' },
    ...jsonOption,
  },
  examples: ['preview --config connector.yaml', 'preview lyon --config connector.yaml --limit 10'],
  run: (args, parts) => {
    const limit = limitOf(args)
    return withStream(args, parts, async ({ stream, shared, closing }) => {
      const { clock } = shared
      const since = stream.beginAt ?? wallClock(clock.now() - DAY_MS, stream.poll.timeZone)
      const isMasked = args['show-data'] !== true
      const wanted = { stream, rules: readingRules(stream), settings: eventSettings(stream), isMasked, limit }
      const reader = commandReader({ ...stream, beginAt: since }, { shared, closing, retries: 1 })
      const reading = previewRecords(reader, wanted, parts.stop)
      const text = () => `reading from ${new URL(stream.polaris.url).origin}`
      const { records, lists } = await showingProgress(reading, { output: parts, text, clock })
      return { exit: 0, value: { stream: stream.name, since, masked: isMasked, lists, records } }
    })
  },
}

/** Throws `command.invalid`. */
function limitOf(args: CommandArgs): number {
  const text = optionText(args, 'limit') ?? '3'
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > 1000) throw invalidRequest('--limit must be a whole number from 1 to 1000')
  return limit
}
