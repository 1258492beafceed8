import { createServer } from 'node:net'

const firstPort = 20_000
const lastPort = 29_999
const handedOut = new Set<number>()

/**
 * A free port on loopback. It is below the kernel's range for outgoing
 * connections, so that no connection takes the port while its server restarts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort + 1))
    if (handedOut.has(port)) continue
    handedOut.add(port)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
