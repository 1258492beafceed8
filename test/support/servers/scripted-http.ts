import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A call as it came. */
export interface ScriptedCall {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface ScriptedServer extends AsyncDisposable {
  /** Without a path. */
  readonly url: string
  readonly calls: readonly ScriptedCall[]
  /** How many connections were opened until now. */
  readonly connections: () => number
}

/** Answers a call; may write to the socket itself, or not at all. */
export type Script = (call: ScriptedCall, response: ServerResponse) => void | Promise<void>

/** A server on a free port of loopback that does what the script says. Disposing it breaks all connections. */
export async function scriptedServer(
  script: Script,
  tls?: { readonly key: string; readonly cert: string },
): Promise<ScriptedServer> {
  const calls: ScriptedCall[] = []
  let connections = 0
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
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    calls,
    connections: () => connections,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
