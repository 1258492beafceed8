import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type FaultyS3, type S3Answer, type S3Request, startFaultyS3 } from './faulty-s3.ts'

/** A request as the store received it, and its response. */
export interface S3Exchange {
  readonly method: string
  readonly path: string
  readonly ifMatch: string | undefined
  readonly body: Buffer
  /** Undefined when the store closed the connection; it may or may not have executed the request. */
  readonly status: number | undefined
}

/** An HTTP proxy in front of an S3 store. It forwards the `Host` header unchanged, so that signatures stay valid. */
export interface S3FaultProxy extends FaultyS3 {
  /** Holds the next successful response that `isTarget` until `release` aborts; resolves once held. */
  holdAnswer(isTarget: (exchange: S3Exchange) => boolean, release: AbortSignal): Promise<void>
}

export interface S3ProxyOptions {
  /** URL of the store. */
  readonly target: string
  /** Called for every request that the store received, before the client gets the response. */
  readonly onExchange?: (exchange: S3Exchange) => void
}

export async function startS3FaultProxy({ target, onExchange }: S3ProxyOptions): Promise<S3FaultProxy> {
  const agent = new Agent({ keepAlive: true })
  const held = heldAnswers()
  const execute = async (sent: S3Request) => {
    const { method, url, headers, body } = sent
    const passed = async (status: number | undefined) => {
      const exchange = { method, path: url.split('?')[0] ?? url, ifMatch: headers['if-match'], body, status }
      onExchange?.(exchange)
      await held.pass(exchange)
    }
    const answer = await forwarded(sent, target, agent).catch(async (error: unknown) => {
      await passed(undefined)
      throw error
    })
    await passed(answer.status)
    return answer
  }
  const server = await startFaultyS3({ execute })
  return {
    ...server,
    holdAnswer: held.hold,
    close: async () => {
      await server.close()
      agent.destroy()
    },
  }
}

/** Holds responses until they are released. */
function heldAnswers() {
  const wanted = new Set<{ isTarget: (exchange: S3Exchange) => boolean; release: AbortSignal; seen: () => void }>()
  return {
    hold: (isTarget: (exchange: S3Exchange) => boolean, release: AbortSignal) =>
      new Promise<void>((seen) => void wanted.add({ isTarget, release, seen })),
    pass: async (exchange: S3Exchange) => {
      for (const one of wanted) {
        if (one.release.aborted) wanted.delete(one)
        if (exchange.status !== 200 || !wanted.has(one) || !one.isTarget(exchange)) continue
        wanted.delete(one)
        one.seen()
        await once(one.release, 'abort')
        return
      }
    },
  }
}

async function forwarded(
  { method, url, rawHeaders, body }: S3Request,
  target: string,
  agent: Agent,
): Promise<S3Answer> {
  const outgoing = request(new URL(url, target), { method, headers: rawHeaders, agent, setHost: false })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const { 'transfer-encoding': _, ...headers } = response.headers as Record<string, string>
  return { status: response.statusCode ?? 502, headers, body: await buffer(response) }
}
