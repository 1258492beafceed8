import { randomUUID } from 'node:crypto'
import { type TombstoneType, tombstones, tombstoneTypes } from '../event/cloud-event/tombstone.ts'
import { kafkaEventPublisher } from '../kafka/kafka-event-publisher.ts'
import { publishTombstones } from '../publish/publish-tombstones.ts'
import { type Command, type CommandArgs, configOption, optionText } from './command.ts'
import { type ChosenStream, invalidRequest, withStream } from './command-resources.ts'
import { clientsOption, namedClients } from './named-clients.ts'

export const erase: Command = {
  name: 'erase',
  summary: 'delete clients from the topic, for example on request of the person',
  usage:
    'Delete the clients in Polaris first: a client that Polaris returns with other content is published\n' +
    'again. Publishes a tombstone for each client id to every partition of the topic, in one transaction,\n' +
    'so that compaction deletes the events of the client. Needs Kafka only: no replica, no checkpoint\n' +
    'store, no Polaris. A running replica is fenced: it opens its stream again within seconds, and\n' +
    'reads again what it was publishing.\n' +
    'Exit code 0 means erased. After any other, repeat the command: at worst there is a second tombstone.\n' +
    'Does not touch the dead-letter topic or copies that subscribers keep: see docs/security.md.',
  takesStream: true,
  options: {
    ...configOption,
    ...clientsOption,
    as: { type: 'string', value: 'removed', description: 'Polaris has deleted the clients: ce_type client.removed' },
  },
  examples: ['erase lyon --config connector.yaml --client -', 'erase lyon --client - --as removed < ids.txt'],
  run: async (args, parts) => {
    const type = typeIn(args)
    const clients = await namedClients(args, parts)
    if (clients.length === 0) throw invalidRequest('--client must name the clients to erase')
    return await withStream(args, parts, (chosen) => eraseClients({ type, clients }, chosen, parts.stop))
  },
}

function typeIn(args: CommandArgs): TombstoneType {
  const as = optionText(args, 'as') ?? 'erased'
  const type = tombstoneTypes.find((one) => one === `client.${as}`)
  if (type === undefined) throw invalidRequest('--as must be removed')
  return type
}

/** Rejects with `publish.*` or the reason of `stop`. */
export async function eraseClients(
  { type, clients }: { readonly type: TombstoneType; readonly clients: readonly string[] },
  { stream, shared, closing }: ChosenStream,
  stop: AbortSignal,
): Promise<{ readonly exit: 0; readonly value: string }> {
  const { clock, kafkaLog: log, config } = shared
  const names = { connector: config.connector, stream: stream.name }
  const publisher = kafkaEventPublisher(stream.kafka, { ...names, clock, log })
  closing.use(publisher, (opened) => opened.close())
  const event = { type, source: stream.eventSource, timeMs: clock.now() }
  const ids = new Map(clients.map((clientId) => [clientId, randomUUID()]))
  const forAll = (partitions: number) =>
    [...ids].flatMap(([clientId, id]) => tombstones({ ...event, clientId, id }, partitions))
  const sent = await publishTombstones({ publisher, clock, tombstones: forAll }, stop)
  // Invariant 8: no client id is printed.
  const text = sent === 0 ? 'nothing was ever written to the topic, nobody to erase' : 'erased'
  return { exit: 0, value: `stream ${stream.name}: ${text}; clients: ${clients.length}, tombstones: ${sent}` }
}
