import { composeClient } from '../compose/compose-client.ts'
import { findClient } from '../inspect/client/find-client.ts'
import { type Command, configOption, jsonOption, printOutput } from './command.ts'
import { streamOption, withStream } from './command-resources.ts'
import { findControl } from './control/found-control.ts'
import { namedClient } from './control/wanted-clients.ts'
import { clientLines, clientOutput, clientShape, erasedLines } from './output/client-output.ts'
import { timedProgress } from './output/shown-progress.ts'

export const client: Command = {
  name: 'client',
  summary: 'show what is known of one client: in the client index, in the topic, erased or not',
  usage:
    'Reads the client index, the whole events topic and the dead-letter topic, and changes nothing.\n' +
    'Prints whether the client is published, a dead letter, erased or removed; its newest event with\n' +
    'partition, offset, number and time; and whether full scans still return it: Polaris cannot be\n' +
    'asked for a single client. Prints no data but the id that is given; - reads it from standard input.\n' +
    'With --erased, shows whether anything of an erased client is left in the topics, also what only\n' +
    'compaction is to delete, and what still has it: the proof for a request of erasure.',
  options: {
    ...configOption,
    ...streamOption,
    client: { type: 'string', value: 'id', description: 'the client id, as in the key of its events' },
    erased: { type: 'boolean', description: 'show whether anything of the erased client is left' },
    ...jsonOption,
  },
  positional: ['stream', 'client'],
  examples: ['client lyon 4711 --config connector.yaml', 'client lyon 4711 --erased --config connector.yaml'],
  outputs: { '--json': clientShape },
  run: (args, parts) =>
    withStream(args, parts, async ({ stream, shared, closing }) => {
      const id = await namedClient(args, parts)
      const { document: control } = await findControl(shared, parts.stop)
      const show = timedProgress(parts, shared.clock)
      const onProgress = (share: number) => show(`${Math.floor(share * 100)} % of the topic read`, 'in-time')
      const found = await findClient({ ...composeClient(stream, shared, closing), onProgress }, id, parts.stop)
      parts.showProgress?.('')
      const { events, deadLetters } = stream.kafka.topic
      const topics = { events, deadLetters }
      const report = clientOutput({ stream: stream.name, id, topics, requests: control.requests }, found)
      const lines = args.erased === true ? erasedLines : clientLines
      printOutput(args, parts, { json: report, lines: () => lines(report, parts.screen) })
      if (args.erased === true) return report.nothingLeft ? 0 : 1
      return report.standing === 'unknown' && report.newest === null ? 1 : 0
    }),
}
