import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** A proxy between a client and a server on loopback, which injects network faults. */
export interface TcpProxy {
  readonly port: number
  /** Number of connections closed and data chunks delayed so far; 0 means that the faults affected no client. */
  affected(): number
  /**
   * Forwards the next `count` requests that `isTarget`, but discards their responses and closes their connections.
   * Resolves when all responses are lost. Other requests in flight on the same connection lose their responses too.
   */
  dropAnswers(count: number, isTarget?: (request: Buffer) => boolean): Promise<void>
  /** Cancels the responses that are still to be dropped. */
  clear(): void
  /** Holds all bytes in both directions until `resume`. */
  pause(): void
  /** Pauses just before the next request that `isTarget`, unless `stop` has aborted; resolves when paused. */
  pauseAt(isTarget: (request: Buffer) => boolean, stop: AbortSignal): Promise<void>
  resume(): void
  /** Delays each chunk of data, in both directions. */
  delay(ms: number): void
  /** Closes all connections and refuses new ones until `up`. */
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

interface Drop {
  readonly isTarget: (request: Buffer) => boolean
  readonly done: () => void
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  drop: Drop | undefined
}

interface Faults {
  affected: number
  readonly drops: Drop[]
  /** Called with every request; may pause. */
  pausesAt: ((request: Buffer) => void) | undefined
  delayMs: number
  /** Set while paused. */
  gate: PromiseWithResolvers<void> | undefined
}

/** Forwards connections to a port on loopback. */
export async function startTcpProxy({ target }: { readonly target: number }): Promise<TcpProxy> {
  const port = await freePort()
  const links = new Set<Link>()
  const listener = createServer()
  const faults: Faults = { affected: 0, drops: [], pausesAt: undefined, delayMs: 0, gate: undefined }
  listener.on('connection', (client: Socket) => {
    const link: Link = { client, server: connect(target, '127.0.0.1'), drop: undefined }
    links.add(link)
    void join(link, faults).finally(() => links.delete(link))
  })
  const up = async () => {
    if (listener.listening) return
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
  }
  const down = async () => {
    if (!listener.listening) return
    const closed = once(listener, 'close')
    listener.close()
    faults.affected += links.size
    for (const link of links) destroy(link)
    await closed
  }
  const controls = settings(faults)
  const close = async () => {
    controls.resume()
    await down()
  }
  await up()
  return { port, affected: () => faults.affected, up, down, close, ...controls }
}

function settings(faults: Faults) {
  const pause = () => {
    faults.gate ??= Promise.withResolvers()
  }
  return {
    dropAnswers: async (count: number, isTarget: (request: Buffer) => boolean = () => true) => {
      const dropOne = () => new Promise<void>((done) => faults.drops.push({ isTarget, done }))
      await Promise.all(Array.from({ length: count }, dropOne))
    },
    clear: () => {
      faults.drops.length = 0
    },
    pause,
    pauseAt: (isTarget: (request: Buffer) => boolean, stop: AbortSignal) =>
      new Promise<void>((paused) => {
        faults.pausesAt = (request) => {
          if (stop.aborted || !isTarget(request)) return
          faults.pausesAt = undefined
          pause()
          paused()
        }
      }),
    resume: () => {
      faults.gate?.resolve()
      faults.gate = undefined
    },
    delay: (ms: number) => {
      faults.delayMs = ms
    },
  }
}

async function join(link: Link, faults: Faults): Promise<void> {
  const { client, server } = link
  const wait = async () => {
    if (faults.delayMs > 0 || faults.gate !== undefined) faults.affected += 1
    if (faults.delayMs > 0) await delay(faults.delayMs)
    await faults.gate?.promise
  }
  const requests = pipeline(
    client,
    async function* (source: AsyncIterable<Buffer>) {
      for await (const bytes of source) {
        await wait()
        faults.pausesAt?.(bytes)
        await faults.gate?.promise
        link.drop ??= takeDrop(faults.drops, bytes)
        yield bytes
      }
    },
    server,
  )
  const answers = pipeline(
    server,
    async function* (source: AsyncIterable<Buffer>) {
      for await (const bytes of source) {
        await wait()
        if (link.drop !== undefined) return dropResponse(link)
        yield bytes
      }
    },
    client,
  )
  await Promise.allSettled([requests, answers])
  destroy(link)
  if (link.drop !== undefined) faults.drops.unshift(link.drop) // the connection closed before a response came
}

function takeDrop(drops: Drop[], request: Buffer): Drop | undefined {
  const found = drops.findIndex(({ isTarget }) => isTarget(request))
  return found === -1 ? undefined : drops.splice(found, 1)[0]
}

function dropResponse(link: Link): void {
  link.drop?.done()
  link.drop = undefined
  destroy(link)
}

function destroy({ client, server }: Link): void {
  client.destroy()
  server.destroy()
}
