import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A request as the server received it. */
export interface ScriptedCall {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface ScriptedServer extends AsyncDisposable {
  /** Origin only, without a path. */
  readonly url: string
  readonly calls: readonly ScriptedCall[]
}

/** Answers a request; may write to the socket directly, or never answer. */
export type Script = (call: ScriptedCall, response: ServerResponse) => void | Promise<void>

/** A server on a free loopback port that answers as the script decides. Disposing it closes all connections. */
export async function scriptedServer(
  script: Script,
  tls?: ServerOptions,
  host: '127.0.0.1' | '::1' = '127.0.0.1',
): Promise<ScriptedServer> {
  const calls: ScriptedCall[] = []
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const call = {
      method: request.method ?? '',
      url: new URL(request.url ?? '', 'http://server'),
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    }
    calls.push(call)
    await script(call, response)
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host === '::1' ? '[::1]' : host}:${port}`,
    calls,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
