import { connect, type Socket } from 'node:net'
import { bytesReader, int16, int32, text } from './kafka-bytes.ts'

/** API keys of the requests that faults may target or that tests send. */
export const kafkaApi = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetFetch: 9,
  heartbeat: 12,
  saslHandshake: 17,
  apiVersions: 18,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
  saslAuthenticate: 36,
  electLeaders: 43,
} as const

/** Whether bytes from a client contain such a request. Requests start with size (int32) and API key (int16). */
export function holdsRequest(api: keyof typeof kafkaApi): (bytes: Buffer) => boolean {
  return (bytes) => {
    for (let at = 0; at + 6 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) {
      if (bytes.readInt16BE(at + 4) === kafkaApi[api]) return true
    }
    return false
  }
}

/** A request in a version without tagged fields. */
export interface WireRequest {
  readonly api: keyof typeof kafkaApi
  readonly version: number
  readonly body: Buffer
}

/** Sends a request over a new connection; resolves to the response body, or undefined after `withinMs`. */
export async function askBroker(port: number, request: WireRequest, withinMs = 2_000): Promise<Buffer | undefined> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setTimeout(withinMs, () => socket.destroy()).on('error', () => {})
  try {
    socket.write(framed(request))
    return await responseOf(socket)
  } catch {
    return undefined // the connection was closed
  } finally {
    socket.destroy()
  }
}

function framed({ api, version, body }: WireRequest): Buffer {
  const clientId = -1 // none
  const request = Buffer.concat([int16(kafkaApi[api]), int16(version), int32(1), int16(clientId), body])
  return Buffer.concat([int32(request.length), request])
}

/** The body of the response, without size and correlation id. Undefined or throws when the connection closes. */
async function responseOf(socket: Socket): Promise<Buffer | undefined> {
  let all = Buffer.alloc(0)
  for await (const bytes of socket) {
    all = Buffer.concat([all, bytes])
    if (all.length >= 4 && all.length >= 4 + all.readUInt32BE(0)) return all.subarray(8, 4 + all.readUInt32BE(0))
  }
  return undefined
}

/** A broker's metadata of the cluster; the ports are those of the listener that received the request. */
export interface ClusterView {
  readonly brokers: readonly { readonly id: number; readonly port: number }[]
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly leader: number }[]
}

/** Undefined when the broker does not answer. An unknown topic has no partitions. */
export async function clusterView(port: number, topics: readonly string[]): Promise<ClusterView | undefined> {
  const body = Buffer.concat([int32(topics.length), ...topics.map(text)])
  const response = await askBroker(port, { api: 'metadata', version: 1, body })
  if (response === undefined) return undefined
  const read = bytesReader(response)
  const brokers = read.array(() => {
    const [id, , at] = [read.int32(), read.text(), read.int32(), read.text()]
    return { id, port: at }
  })
  read.int32() // controller id
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

/** Number of live brokers in the metadata of the broker on this port; 0 while it does not answer. */
export async function brokersSeenBy(port: number): Promise<number> {
  return (await clusterView(port, []))?.brokers.length ?? 0
}
