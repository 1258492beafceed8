import { connect } from 'node:net'
import { bytesReader, int16, int32, text } from './kafka-bytes.ts'

/** The numbers of the requests that a fault may aim at, or that the tests send themselves. */
export const kafkaApi = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetFetch: 9,
  heartbeat: 12,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
  electLeaders: 43,
} as const

/** Whether bytes from a client hold such a request: each begins with its size (4 bytes) and its number (2 bytes). */
export function holdsRequest(api: keyof typeof kafkaApi): (bytes: Buffer) => boolean {
  return (bytes) => {
    for (let at = 0; at + 6 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) {
      if (bytes.readInt16BE(at + 4) === kafkaApi[api]) return true
    }
    return false
  }
}

/** A request of a version that has no tagged fields yet. */
export interface WireRequest {
  readonly api: keyof typeof kafkaApi
  readonly version: number
  readonly body: Buffer
}

/** Sends a request over a connection of its own; resolves to the body of the answer, `undefined` when none comes within `withinMs`. */
export function askBroker(port: number, request: WireRequest, withinMs = 2_000): Promise<Buffer | undefined> {
  const clientId = -1 // none
  const header = [int16(kafkaApi[request.api]), int16(request.version), int32(1), int16(clientId)]
  const asked = Buffer.concat([...header, request.body])
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: withinMs })
    const parts: Buffer[] = []
    let missing = Number.POSITIVE_INFINITY
    socket.once('connect', () => socket.write(Buffer.concat([int32(asked.length), asked])))
    socket.on('data', (bytes: Buffer) => {
      parts.push(bytes)
      if (missing === Number.POSITIVE_INFINITY) missing = Buffer.concat(parts).readUInt32BE(0) + 4
      missing -= bytes.length
      if (missing > 0) return
      resolve(Buffer.concat(parts).subarray(8)) // behind size and correlation id
      socket.destroy()
    })
    socket.once('timeout', () => socket.destroy())
    socket.once('error', () => socket.destroy())
    socket.once('close', () => resolve(undefined))
  })
}

/** What a broker says of the cluster; addresses are those of the listener that was asked. */
export interface ClusterView {
  readonly brokers: readonly { readonly id: number; readonly port: number }[]
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly leader: number }[]
}

/** `undefined` when the broker does not answer. An unknown topic has no partitions. */
export async function clusterView(port: number, topics: readonly string[]): Promise<ClusterView | undefined> {
  const body = Buffer.concat([int32(topics.length), ...topics.map(text)])
  const answer = await askBroker(port, { api: 'metadata', version: 1, body })
  if (answer === undefined) return undefined
  const read = bytesReader(answer)
  const brokers = read.array(() => {
    const [id, , at] = [read.int32(), read.text(), read.int32(), read.text()]
    return { id, port: at }
  })
  read.int32() // the controller
  const partitions = read.array(() => {
    const [, topic] = [read.int16(), read.text() ?? '', read.int8()]
    return read.array(() => {
      const [, partition, leader] = [read.int16(), read.int32(), read.int32()]
      for (const _ of ['replicas', 'in sync']) read.array(read.int32)
      return { topic, partition, leader }
    })
  })
  return { brokers, partitions: partitions.flat() }
}

/** How many live brokers the broker on this port knows of; 0 while it does not answer. */
export async function brokersSeenBy(port: number): Promise<number> {
  return (await clusterView(port, []))?.brokers.length ?? 0
}
