import type { ServerResponse } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../connector/runtime/clock.ts'
import type { ReadArguments, SourceTime } from '../../connector/source/client-source.ts'
import { httpClientSource } from '../../connector/source/http-client-source.ts'
import { type PolarisConfig, polarisDefaults } from '../../connector/source/polaris-config.ts'
import { serverTurns } from '../../connector/source/server-turns.ts'
import type { SourceEvent } from '../../connector/source/source-event.ts'
import { type Script, scriptedServer } from '../support/servers/scripted-http.ts'

const PAGE = '<p><hasMoreResults>false</hasMoreResults></p>'
const at: ReadArguments = {
  lastChanged: '2024-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: 10,
  output: 'xml',
}
const never = new AbortController().signal
const retry = { retries: 0, firstPauseMs: 1, maxPauseMs: 1, maxRetryAfterMs: 1 }

async function serverThat(script: Script) {
  const server = await scriptedServer(script)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

/** Streams of one process, named by their `codeMagasin`. */
function streamsOn(limits: PolarisConfig['limits'], changed: Partial<PolarisConfig> = {}) {
  const told: SourceEvent[] = []
  const observe = (event: SourceEvent) => told.push(event)
  const turnsOf = serverTurns(systemClock)
  const stream = (url: string, codeMagasin: number) => {
    const config = { ...polarisDefaults, url, auth: { kind: 'none' as const }, codeMagasin, retry, limits, ...changed }
    const source = httpClientSource(config, { clock: systemClock, turns: turnsOf(config), observe })
    onTestFinished(() => source.close())
    return source
  }
  return { stream, waits: () => told.filter(({ kind }) => kind === 'request-waited').length }
}

it('a server has as many requests at a time as it may, and they come in the order in which they were made', async () => {
  const open: (() => void)[] = []
  const server = await serverThat((_, response) => void open.push(() => response.end(PAGE)))
  const { stream, waits } = streamsOn({ concurrentRequests: 2 })
  const reads = [1, 2, 3, 4, 5].map((number) => stream(server.url, number).read(at, never))
  for (let answered = 0; answered < 5; answered += 1) {
    await expect.poll(() => open.length).toBe(Math.min(5, answered + 2))
    open[answered]?.()
    await reads[answered]
  }
  expect(server.calls.map(({ url }) => url.searchParams.get('codeMagasin')).slice(2)).toEqual(['3', '4', '5'])
  expect(waits()).toBeGreaterThanOrEqual(3)
})

it('a server that hangs delays no stream of another; who waits for it can be stopped, and goes on once its time is over', async () => {
  const hanging: ServerResponse[] = []
  const slow = await serverThat((_, response) => void hanging.push(response))
  const quick = await serverThat((_, response) => void response.end(PAGE))
  const { stream } = streamsOn(
    { concurrentRequests: 1 },
    { timeouts: { ...polarisDefaults.timeouts, headersMs: 1_000 } },
  )
  const held = stream(slow.url, 1).read(at, never)
  held.catch(() => {})
  await expect.poll(() => slow.calls.length).toBe(1)
  const stop = new AbortController()
  const stopped = stream(slow.url, 2).read(at, stop.signal)
  const waiting = stream(slow.url, 3).read(at, never)

  const other = stream(quick.url, 4)
  for (let read = 0; read < 20; read += 1) await other.read(at, never)
  expect(slow.calls).toHaveLength(1)

  stop.abort(new Error('told to stop'))
  await expect(stopped).rejects.toThrow('told to stop')
  await expect(held).rejects.toMatchObject({ code: 'source.timeout' })
  await expect.poll(() => hanging.length).toBe(2)
  hanging[1]?.end(PAGE)
  expect(await waiting).toMatchObject({ hasMoreResults: false })
  expect(slow.calls.map(({ url }) => url.searchParams.get('codeMagasin'))).toEqual(['1', '3'])
})

it('a server gets no more requests in a second than it may, whichever stream makes them', async () => {
  const server = await serverThat((_, response) => void response.end(PAGE))
  const { stream } = streamsOn({ concurrentRequests: 8, requestsPerSecond: 20 })
  const sources = [1, 2, 3].map((number) => stream(server.url, number))
  const began = performance.now()
  await Promise.all(
    sources.map(async (source) => {
      for (let read = 0; read < 5; read += 1) await source.read(at, never)
    }),
  )
  expect(server.calls).toHaveLength(15)
  expect(performance.now() - began).toBeGreaterThanOrEqual(14 * 50 - 15) // a timer may be a millisecond early
})
