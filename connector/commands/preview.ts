import { commandReader, streamObject } from '../compose/compose-stream.ts'
import { knownMapping } from '../inspect/inspected-pages.ts'
import { clientSchema } from '../inspect/preview/client-schema.ts'
import { previewRecords } from '../inspect/preview/preview-records.ts'
import { DAY_MS } from '../runtime/clock.ts'
import { wallClock } from '../source/source-time.ts'
import type { RunCommand } from './command.ts'
import { withStream } from './command-resources.ts'

export const preview: RunCommand = (args, parts) =>
  withStream(args, parts, async ({ stream, shared, closing }) => {
    const since = stream.beginAt ?? wallClock(shared.clock.now() - DAY_MS, stream.poll.timeZone)
    const from = args.from as string | undefined
    const isMasked = args['show-data'] !== true
    const limit = Number(args.limit ?? (args.schema === true ? 1000 : 3))
    const wanted = { stream, isMasked, limit }
    const mapping = from === undefined ? await knownMapping(streamObject(stream, shared), parts.stop) : null
    const reader = commandReader({ ...stream, beginAt: since }, { shared, closing, retries: 1, from, mapping })
    using _ = parts.showProgress(`reading from ${from ?? new URL(stream.polaris.url).origin}`)
    const { records, contents, lists, missingPaths } = await previewRecords(reader, wanted, parts.stop)
    // A schema is printed as JSON also without --json.
    if (args.schema === true) {
      const schema = { title: `clients of the stream ${stream.name}`, ...clientSchema(contents, stream.rules.types) }
      return { exit: 0, value: args.json === true ? schema : JSON.stringify(schema, undefined, 2).split('\n') }
    }
    return { exit: 0, value: { stream: stream.name, since, masked: isMasked, lists, missingPaths, records } }
  })
