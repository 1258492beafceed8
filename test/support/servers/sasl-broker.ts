import type { Socket } from 'node:net'
import { array, int16, int32, text } from './kafka-bytes.ts'
import { kafkaApi } from './kafka-wire.ts'
import { rawServer } from './raw-server.ts'

/** The outcome of a login: the connection closes, no response comes, or the response is an error code. */
type LoginOutcome = 'cut' | 'hang' | { readonly code: number }

export interface SaslBroker {
  /** `host:port` */
  readonly address: string
  /** Number of logins so far. */
  logins(): number
  close(): Promise<void>
}

interface SaslBrokerOptions {
  /** Outcome of SaslAuthenticate. */
  readonly outcome: LoginOutcome
  /** Outcome of the SaslHandshake before it; succeeds by default. */
  readonly handshake?: LoginOutcome
}

/** Implements only the login part of a broker, on a free loopback port. No login succeeds. */
export async function startSaslBroker({ outcome, handshake }: SaslBrokerOptions): Promise<SaslBroker> {
  let logins = 0
  const answerTo = (api: number, version: number): Buffer | 'cut' | 'hang' => {
    if (api === kafkaApi.apiVersions) return version > 0 ? Buffer.concat([apiVersions, noThrottling]) : apiVersions
    if (api === kafkaApi.saslHandshake) return outcomeOf(handshake ?? { code: 0 }, ({ code }) => mechanisms(code))
    logins += 1
    return outcomeOf(outcome, ({ code }) => Buffer.concat([int16(code), text('refused'), array([])]))
  }
  const server = await rawServer((socket) => serve(socket, answerTo))
  return {
    address: server.address,
    logins: () => logins,
    close: async () => await server[Symbol.asyncDispose](),
  }
}

const outcomeOf = (outcome: LoginOutcome, answer: (of: { code: number }) => Buffer) =>
  typeof outcome === 'string' ? outcome : answer(outcome)

const spans = [
  [kafkaApi.apiVersions, 0, 2],
  [kafkaApi.saslHandshake, 0, 1],
  [kafkaApi.saslAuthenticate, 0, 0],
] as const
const apiVersions = Buffer.concat([int16(0), array(spans.map((span) => Buffer.concat(span.map(int16))))])
const noThrottling = int32(0)
const mechanisms = (code: number) =>
  Buffer.concat([int16(code), array(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].map(text))])

/** Answers requests one by one. A request is: size, API key, version, correlation id, rest. */
function serve(socket: Socket, answerTo: (api: number, version: number) => Buffer | 'cut' | 'hang') {
  let bytes = Buffer.alloc(0)
  socket.on('data', (more: Buffer) => {
    bytes = Buffer.concat([bytes, more])
    for (
      ;
      bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0);
      bytes = bytes.subarray(4 + bytes.readInt32BE(0))
    ) {
      const answer = answerTo(bytes.readInt16BE(4), bytes.readInt16BE(6))
      if (answer === 'cut') socket.destroy()
      if (typeof answer === 'string') return
      socket.write(Buffer.concat([int32(4 + answer.length), bytes.subarray(8, 12), answer]))
    }
  })
}
