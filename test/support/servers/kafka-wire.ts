import { connect, type Socket } from 'node:net'
import { connect as connectByTls } from 'node:tls'
import { array, bytesReader, float64, int8, int16, int32, text } from './kafka-bytes.ts'

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

/** Credentials for a SASL_SSL listener, mechanism PLAIN. */
export interface WireLogin {
  /** PEM text. */
  readonly ca: string
  readonly username: string
  readonly password: string
}

/** Sends a request over a new connection; resolves to the response body, or undefined after `withinMs`. */
export async function askBroker(
  port: number,
  request: WireRequest,
  { withinMs = 2_000, login }: { withinMs?: number; login?: WireLogin | undefined } = {},
): Promise<Buffer | undefined> {
  const host = '127.0.0.1'
  const socket = login === undefined ? connect({ port, host }) : connectByTls({ port, host, ca: login.ca })
  socket.setTimeout(withinMs, () => socket.destroy()).on('error', () => {})
  try {
    const responses = responsesOf(socket)
    let response: Buffer | undefined
    for (const sent of [...(login === undefined ? [] : loginRequests(login)), request]) {
      socket.write(framed(sent))
      response = (await responses.next()).value
      if (response === undefined) break
    }
    return response
  } catch {
    return undefined // the connection was closed
  } finally {
    socket.destroy()
  }
}

function loginRequests({ username, password }: WireLogin): WireRequest[] {
  const credentials = Buffer.from(`\0${username}\0${password}`)
  return [
    { api: 'saslHandshake', version: 1, body: text('PLAIN') },
    { api: 'saslAuthenticate', version: 0, body: Buffer.concat([int32(credentials.length), credentials]) },
  ]
}

function framed({ api, version, body }: WireRequest): Buffer {
  const clientId = -1 // none
  const request = Buffer.concat([int16(kafkaApi[api]), int16(version), int32(1), int16(clientId), body])
  return Buffer.concat([int32(request.length), request])
}

/** The bodies of the responses, without size and correlation id. Throws when the connection closes. */
async function* responsesOf(socket: Socket): AsyncGenerator<Buffer, undefined> {
  let parts: Buffer[] = []
  let received = 0
  let wanted = 4 // first the size, then the whole response
  for await (const bytes of socket) {
    parts.push(bytes)
    received += bytes.length
    if (received < wanted) continue
    const all = Buffer.concat(parts)
    wanted = 4 + all.readUInt32BE(0)
    parts = [all]
    if (received < wanted) continue
    yield all.subarray(8, wanted)
    parts = [all.subarray(wanted)]
    received -= wanted
    wanted = 4
  }
}

/** A broker's metadata of the cluster; the ports are those of the listener that received the request. */
export interface ClusterView {
  readonly brokers: readonly { readonly id: number; readonly port: number }[]
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly leader: number }[]
}

/** Undefined when the broker does not answer or rejects the login. An unknown topic has no partitions. */
export async function clusterView(
  port: number,
  topics: readonly string[],
  login?: WireLogin,
): Promise<ClusterView | undefined> {
  const body = Buffer.concat([int32(topics.length), ...topics.map(text)])
  const response = await askBroker(port, { api: 'metadata', version: 1, body }, { login })
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

/** Throttles all fetches of clients with this id (`consumer_byte_rate`). */
export async function limitReads(
  port: number,
  { clientId, bytesPerSecond }: { readonly clientId: string; readonly bytesPerSecond: number },
): Promise<void> {
  const entity = Buffer.concat([text('client-id'), text(clientId)])
  const quota = Buffer.concat([text('consumer_byte_rate'), float64(bytesPerSecond), int8(0)])
  const body = Buffer.concat([array([Buffer.concat([array([entity]), array([quota])])]), int8(0)])
  const response = await askBroker(port, { api: 'alterClientQuotas', version: 0, body })
  if (response === undefined) throw new Error('the broker did not answer')
  const read = bytesReader(response)
  read.int32() // throttle time
  const [code] = read.array(read.int16)
  if (code !== 0) throw new Error(`alter client quotas: error ${code}`)
}
