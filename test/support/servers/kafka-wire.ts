import { connect } from 'node:net'

/** The numbers of the requests that a fault may aim at. */
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

/** Metadata, version 1, correlation id 1, no client id, about no topic: it answers with the live brokers alone. */
const metadataRequest = Buffer.from('0000000e0003000100000001ffff00000000', 'hex')

/** How many live brokers the broker on this port knows of; 0 while it does not answer. */
export function brokersSeenBy(port: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 })
    let answer = Buffer.alloc(0)
    socket.once('connect', () => socket.write(metadataRequest))
    socket.on('data', (bytes: Buffer) => {
      answer = Buffer.concat([answer, bytes])
      if (answer.length < 12) return // size, correlation id, number of brokers
      resolve(answer.readUInt32BE(8))
      socket.destroy()
    })
    socket.once('timeout', () => socket.destroy())
    socket.once('error', () => socket.destroy())
    socket.once('close', () => resolve(0))
  })
}
