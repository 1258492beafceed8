import { randomUUID } from 'node:crypto'
import { type TombstoneType, tombstones } from '../event/cloud-event/event-form.ts'
import { withoutCreation } from '../kafka/kafka-config.ts'
import { kafkaEventPublisher } from '../kafka/transactions/stream-producer.ts'
import { publishTombstones } from '../publish/publish-tombstones.ts'
import { type Answer, invalidRequest, type RunCommand } from './command.ts'
import { type ChosenStream, namedClients, withStream } from './command-resources.ts'

export const erase: RunCommand = async (args, parts) => {
  const type = args.as === 'removed' ? 'client.removed' : 'client.erased'
  const clients = await namedClients(args, parts)
  if (clients.length === 0) throw invalidRequest('--client must name the clients to erase')
  return await withStream(args, parts, (chosen) => eraseClients({ type, clients }, chosen, parts.stop))
}

/** Rejects with `publish.*` or the reason of `stop`. */
export async function eraseClients(
  { type, clients }: { readonly type: TombstoneType; readonly clients: readonly string[] },
  { stream, shared }: ChosenStream,
  stop: AbortSignal,
): Promise<Answer> {
  const { clock, kafkaLog: log, config } = shared
  const names = { connector: config.connector, stream: stream.name }
  const publisher = kafkaEventPublisher(withoutCreation(stream.kafka), { ...names, clock, log })
  const event = { type, source: stream.eventSource, timeMs: clock.now() }
  const ids = new Map(clients.map((clientId) => [clientId, randomUUID()]))
  const forAll = (partitions: number) =>
    [...ids].flatMap(([clientId, id]) => tombstones({ ...event, clientId, id }, partitions))
  const sent = await publishTombstones({ publisher, clock, tombstones: forAll }, stop)
  // Invariant 8: no client id is printed.
  const text = sent === 0 ? 'nothing was ever written to the topic, nobody to erase' : 'erased'
  return { exit: 0, value: `stream ${stream.name}: ${text}; clients: ${clients.length}, tombstones: ${sent}` }
}
