import type { KafkaRequest, RequestTarget } from '../../../../connector/kafka/kafkajs/requests.ts'

/** A broker that responds to a request with these bytes after the header and the throttle time. */
export function answering(
  versions: NonNullable<RequestTarget['versions']> | null,
  body: (request: string) => readonly number[],
): RequestTarget {
  const send = async <Answer>({ request, response }: KafkaRequest<Answer>) => {
    const { buffer } = (await request.encode()) as { buffer: Buffer }
    return await response.parse(await response.decode(Buffer.from([0, 0, 0, 0, 0, ...body(buffer.toString('latin1'))])))
  }
  return { versions, connectionPool: { send } }
}

/** The body of a response to Metadata 10 of a cluster with one broker: of a topic with two partitions, or of none. */
export function metadataAnswer(topic?: string, code = 0): number[] {
  const text = (value: string) => [value.length + 1, ...Buffer.from(value)]
  const cluster = [2, 0, 0, 0, 1, ...text('h'), 0, 0, 0x23, 0x84, 0, 0, ...text('cluster'), 0, 0, 0, 1]
  if (topic === undefined) return [...cluster, 1, 0]
  const id = Array.from({ length: 16 }, () => 0)
  const partition = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2, 0, 0, 0, 1, 1, 0]
  return [...cluster, 2, 0, code, ...text(topic), ...id, 0, 3, ...partition, ...partition, 0, 0, 0, 0b10000, 0, 0]
}
