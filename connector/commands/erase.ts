import { randomUUID } from 'node:crypto'
import { type TombstoneType, tombstones, tombstoneTypes } from '../event/cloud-event/tombstone.ts'
import { kafkaEventPublisher } from '../kafka/kafka-event-publisher.ts'
import { publishTombstones } from '../publish/publish-tombstones.ts'
import type { ExitCode } from '../runtime/error-catalogue.ts'
import { type Command, type CommandArgs, type CommandParts, configOption, optionText } from './command.ts'
import { type ChosenStream, invalidRequest, streamOption, withStream } from './command-resources.ts'
import { clientsOption, namedClients } from './named-clients.ts'
import { counted } from './output/text.ts'

export const erase: Command = {
  name: 'erase',
  summary: 'delete clients from the topic, for example on request of the person',
  usage:
    'Delete the clients in Polaris first: a client that Polaris returns with other content is published\n' +
    'again. Publishes a tombstone for each client id to every partition of the topic, in one transaction,\n' +
    'so that compaction deletes the events of the client. Needs Kafka only: no replica, no checkpoint\n' +
    'store, no Polaris. A running replica is fenced: it opens its stream again within seconds, and\n' +
    'reads again what it was publishing. With PLACEMENT=single, it exits with code 1: start it again.\n' +
    'Exit code 0 means erased. After any other, repeat the command: at worst there is a second tombstone.\n' +
    'Does not touch the dead-letter topic or copies that subscribers keep: see docs/security.md.',
  options: {
    ...configOption,
    ...streamOption,
    ...clientsOption,
    as: { type: 'string', value: 'removed', description: 'Polaris has deleted the clients: ce_type client.removed' },
  },
  positional: ['stream'],
  examples: ['erase lyon --config connector.yaml --client -', 'erase lyon --client - --as removed < ids.txt'],
  run: async (args, parts) => {
    const type = typeIn(args)
    const clients = await namedClients(args, parts)
    if (clients.length === 0) throw invalidRequest('--client must name the clients to erase')
    try {
      return await withStream(args, parts, (chosen) => eraseClients({ type, clients }, chosen, parts))
    } catch (error) {
      if (!parts.stop.aborted) throw error
      parts.printError('erase: stopped before the end; there may be tombstones or not: repeat the command')
      return 3
    }
  },
}

function typeIn(args: CommandArgs): TombstoneType {
  const as = optionText(args, 'as') ?? 'erased'
  const type = tombstoneTypes.find((one) => one === `client.${as}`)
  if (type === undefined) throw invalidRequest('--as must be removed')
  return type
}

interface Erased {
  readonly type: TombstoneType
  readonly clients: readonly string[]
}

async function eraseClients(
  { type, clients }: Erased,
  { stream, shared, closing }: ChosenStream,
  { print, stop }: Pick<CommandParts, 'print' | 'stop'>,
): Promise<ExitCode> {
  const { clock, kafkaLog: log, config } = shared
  const names = { connector: config.connector, stream: stream.name }
  const publisher = kafkaEventPublisher(stream.kafka, { ...names, clock, log })
  closing.use(publisher, (opened) => opened.close())
  const event = { type, source: stream.eventSource, timeMs: clock.now() }
  const ids = new Map(clients.map((clientId) => [clientId, randomUUID()]))
  const sent = await publishTombstones(
    {
      publisher,
      clock,
      tombstones: (partitions) =>
        [...ids].flatMap(([clientId, id]) => tombstones({ ...event, clientId, id }, partitions)),
    },
    stop,
  )
  // Invariant 8: no client id is printed.
  const what = `${counted(clients.length, 'client')}, ${counted(sent, 'tombstone')}`
  print(
    sent === 0
      ? `stream ${stream.name}: nothing was ever written to the topic, nobody to erase`
      : `stream ${stream.name}: erased ${what}`,
  )
  return 0
}
