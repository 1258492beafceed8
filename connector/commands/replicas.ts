import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import { replicaName, type Surroundings, streamObject, surroundings } from '../compose.ts'
import { viewReplicas } from '../compose-placement.ts'
import { connectorConfig, type StreamConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { systemClock } from '../runtime/clock.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { type Command, configOption, optionText } from './command.ts'
import { describedReplicas, type FoundClaim, replicaLines } from './described-replicas.ts'

export const replicas: Command = {
  name: 'replicas',
  summary: 'show who runs what',
  usage:
    'Asks Kafka for the replicas in the group and reads the checkpoint of every stream: whose it is, who opened it last, under which epoch\n' +
    'and since when. Says so where nobody runs a stream. Changes nothing.\n' +
    'Exit code: 0 shown, 2 configuration, 3 surroundings missing.',
  options: { ...configOption, json: { type: 'boolean', description: 'print JSON' } },
  run: async (args, { environment, readFile, print, stop }) => {
    const config = connectorConfig(loadConfig({ file: optionText(args, 'config'), environment, readFile }))
    await using closing = closeStack()
    const name = `operator-${replicaName()}`
    const around = surroundings(
      config,
      { clock: systemClock, replica: name, kafkaLog: () => {}, onStoreRetry: () => {} },
      closing,
    )
    const [group, ...claims] = await Promise.all([
      viewReplicas(around, stop),
      ...config.streams.map((stream) => findClaim(stream, around, stop)),
    ])
    const report = describedReplicas(config.connector, group, new Map(claims))
    if (args.json === true) print(JSON.stringify(report, undefined, 2))
    else for (const line of replicaLines(report)) print(line)
    return 0
  },
}

/** A store that does not answer fails the command; a document that cannot be read is told of. */
async function findClaim(stream: StreamConfig, around: Surroundings, stop: AbortSignal): Promise<[string, FoundClaim]> {
  const stored = await streamObject(stream, around).read(stop)
  if (stored === undefined) return [stream.name, { kind: 'none' }]
  try {
    return [stream.name, { kind: 'claim', claim: parseDocument(stored.text).claim }]
  } catch (error) {
    return [stream.name, { kind: 'unreadable', code: codeOf(error) }]
  }
}
