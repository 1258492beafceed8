import { connect, type Socket } from 'node:net'
import { array, bytesReader, float64, int8, int16, int32, text } from './kafka-bytes.ts'

/** API keys of the requests that faults may target or that tests send. */
export const kafkaApi = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  saslHandshake: 17,
  apiVersions: 18,
  initProducerId: 22,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
  saslAuthenticate: 36,
  alterClientQuotas: 49,
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

/** Where a broker listens. */
export interface Listener {
  readonly host: string
  readonly port: number
}

/** The listeners at addresses such as `127.0.0.1:9092,127.0.0.1:9093`. */
export const listenersOf = (bootstrap: string): Listener[] =>
  bootstrap.split(',').map((address) => ({ host: address.replace(/:\d+$/, ''), port: Number(/\d+$/.exec(address)) }))

/** Sends a request over a new connection; resolves to the response body, or undefined after `withinMs`. */
export async function askBroker(at: Listener, request: WireRequest, withinMs = 2_000): Promise<Buffer | undefined> {
  const socket = connect(at.port, at.host)
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
  const parts: Buffer[] = []
  let received = 0
  let size = Number.POSITIVE_INFINITY
  for await (const bytes of socket) {
    parts.push(bytes)
    received += bytes.length
    if (received - bytes.length < 4 && received >= 4) size = 4 + Buffer.concat(parts).readUInt32BE(0)
    if (received >= size) return Buffer.concat(parts).subarray(8, size)
  }
  return undefined
}

/** A broker's metadata of the cluster, with the listeners of the kind that received the request. */
export interface ClusterView {
  readonly brokers: readonly (Listener & { readonly id: number })[]
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly leader: number }[]
}

/** Undefined when the broker does not answer. An unknown topic has no partitions. */
export async function clusterView(at: Listener, topics: readonly string[]): Promise<ClusterView | undefined> {
  const body = Buffer.concat([int32(topics.length), ...topics.map(text)])
  const response = await askBroker(at, { api: 'metadata', version: 1, body })
  if (response === undefined) return undefined
  const read = bytesReader(response)
  const brokers = read.array(() => {
    const id = read.int32()
    const host = read.text() ?? ''
    const port = read.int32()
    read.text()
    return { id, host, port }
  })
  read.int32() // controller id
  const partitions = read.array(() => {
    read.int16()
    const topic = read.text() ?? ''
    read.int8()
    return read.array(() => {
      read.int16()
      const partition = read.int32()
      const leader = read.int32()
      for (const _ of ['replicas', 'in sync']) read.array(read.int32)
      return { topic, partition, leader }
    })
  })
  return { brokers, partitions: partitions.flat() }
}

/** Number of live brokers in the metadata of the broker on this port; 0 while it does not answer. */
export async function brokersSeenBy(port: number): Promise<number> {
  return (await clusterView({ host: '127.0.0.1', port }, []))?.brokers.length ?? 0
}

/** Limits what clients with this id write (`producer_byte_rate`) or read (`consumer_byte_rate`). */
export async function setQuota(
  at: Listener,
  { clientId, name, bytesPerSecond }: { clientId: string; name: 'producer' | 'consumer'; bytesPerSecond: number },
): Promise<void> {
  const entity = Buffer.concat([text('client-id'), text(clientId)])
  const quota = Buffer.concat([text(`${name}_byte_rate`), float64(bytesPerSecond), int8(0)])
  const body = Buffer.concat([array([Buffer.concat([array([entity]), array([quota])])]), int8(0)])
  const response = await askBroker(at, { api: 'alterClientQuotas', version: 0, body })
  if (response === undefined) throw new Error('the broker did not answer')
  const read = bytesReader(response)
  read.int32() // throttle time
  const [code] = read.array(read.int16)
  if (code !== 0) throw new Error(`alter client quotas: error ${code}`)
}
