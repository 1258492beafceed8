import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** Stands between a client and a server on loopback and does to their connections what networks do. */
export interface TcpProxy {
  readonly port: number
  /** Connections that were ended and pieces of data that were held back until now: whether anybody felt it. */
  felt(): number
  /** Ends every open connection; new ones are accepted. */
  cut(): void
  /**
   * Lets the next `count` requests that `isTarget` through, swallows what the server answers, and ends their connections then.
   * Resolves when all have taken effect and their answers are lost. Requests under way on the same connection share the fate.
   */
  dropAnswers(count: number, isTarget?: (request: Buffer) => boolean): Promise<void>
  /** Forgets the answers to drop that have not come. */
  clear(): void
  /** Keeps all bytes back, in both directions, until `resume`. */
  pause(): void
  /** Pauses when the next request that `isTarget` comes, before the server gets it, unless `stop` has aborted by then; resolves when it does. */
  pauseAt(isTarget: (request: Buffer) => boolean, stop: AbortSignal): Promise<void>
  resume(): void
  /** Holds each piece of data back for so long, in both directions. */
  delay(ms: number): void
  /** Ends every connection and refuses new ones until `up`. */
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
  felt: number
  readonly drops: Drop[]
  /** Sees every request, and may pause. */
  pausesAt: ((request: Buffer) => void) | undefined
  delayMs: number
  /** Set while paused. */
  gate: PromiseWithResolvers<void> | undefined
}

/** Forwards connections to `target`, a port on loopback. */
export async function startTcpProxy({ target }: { target: number }): Promise<TcpProxy> {
  const port = await freePort()
  const links = new Set<Link>()
  const faults: Faults = { felt: 0, drops: [], pausesAt: undefined, delayMs: 0, gate: undefined }
  const listener = createServer((client) => {
    const link: Link = { client, server: connect(target, '127.0.0.1'), drop: undefined }
    links.add(link)
    void join(link, faults).finally(() => links.delete(link))
  })
  const up = async () => {
    if (listener.listening) return
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
  }
  const cut = () => {
    faults.felt += links.size
    for (const link of links) end(link)
  }
  const down = async () => {
    if (!listener.listening) return
    const closed = once(listener, 'close')
    listener.close()
    cut()
    await closed
  }
  const controls = settings(faults)
  const close = async () => {
    controls.resume()
    await down()
  }
  await up()
  return { port, felt: () => faults.felt, cut, up, down, close, ...controls }
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
    if (faults.delayMs > 0 || faults.gate !== undefined) faults.felt += 1
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
        if (link.drop !== undefined) return swallowed(link)
        yield bytes
      }
    },
    client,
  )
  await Promise.allSettled([requests, answers])
  end(link)
  if (link.drop !== undefined) faults.drops.unshift(link.drop) // its connection ended before there was an answer
}

function takeDrop(drops: Drop[], request: Buffer): Drop | undefined {
  const found = drops.findIndex(({ isTarget }) => isTarget(request))
  return found === -1 ? undefined : drops.splice(found, 1)[0]
}

function swallowed(link: Link): void {
  link.drop?.done()
  link.drop = undefined
  end(link)
}

function end({ client, server }: Link): void {
  client.destroy()
  server.destroy()
}
