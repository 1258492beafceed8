import type { ServerResponse } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { openSource } from '../../../connector/compose/compose-source.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { refusedAccounts } from '../../../connector/runtime/refused-accounts.ts'
import type { ReadArguments, SourceEvent, SourceTime } from '../../../connector/source/client-source.ts'
import { limitedServers } from '../../../connector/source/polaris/http/server-limits.ts'
import { type PolarisConfig, polarisDefaults } from '../../../connector/source/polaris/polaris-config.ts'
import type { Outages } from '../../../connector/source/recovery/after-failed-read.ts'
import { defaultPolaris } from '../../support/default-config.ts'
import { type Script, scriptedServer } from '../../support/servers/scripted-http.ts'
import { never } from '../../support/signals.ts'

const PAGE = '<p><hasMoreResults>false</hasMoreResults></p>'
const at: ReadArguments = {
  lastChanged: '2024-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: 10,
  output: 'xml',
}
const retry = { retries: 0, firstPauseMs: 1, maxPauseMs: 1, maxRetryAfterMs: 1 }

async function serverThat(script: Script) {
  const server = await scriptedServer(script)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

/** Streams of one process, identified by their `codeMagasin`. */
function streamsOn(changed: Partial<PolarisConfig> = {}, outages: Outages = 'give-up') {
  const events: SourceEvent[] = []
  const observe = (event: SourceEvent) => events.push(event)
  const servers = limitedServers(systemClock)
  const stream = (url: string, codeMagasin: number) => {
    const config = { ...defaultPolaris, url, auth: { kind: 'none' as const }, codeMagasin, retry, ...changed }
    const source = openSource(config, {
      clock: systemClock,
      permits: servers.of(config),
      outages,
      accounts: refusedAccounts(systemClock),
      observe,
    })
    onTestFinished(() => source.close())
    return source
  }
  return { stream, events }
}

it('delays only the streams of a server that hangs; a waiting read can stop, or continue after a timeout', async () => {
  const hanging: ServerResponse[] = []
  const slow = await serverThat((_, response) => void hanging.push(response))
  const quick = await serverThat((_, response) => void response.end(PAGE))
  const { stream } = streamsOn({ timeouts: { ...polarisDefaults.timeouts, answerMs: 1_000 } })
  const sent = Array.from({ length: 8 }, (_, number) => stream(slow.url, number).read(at, never))
  for (const read of sent) read.catch(() => {})
  await expect.poll(() => slow.calls.length).toBe(8)
  const stop = new AbortController()
  const stopped = stream(slow.url, 98).read(at, stop.signal)
  const waiting = stream(slow.url, 99).read(at, never)

  const other = stream(quick.url, 1)
  for (let read = 0; read < 20; read += 1) await other.read(at, never)
  expect(slow.calls).toHaveLength(8)

  stop.abort(new Error('stopped by the test'))
  await expect(stopped).rejects.toThrow('stopped by the test')
  await expect(sent[0]).rejects.toMatchObject({ code: 'source.timeout' })
  await expect.poll(() => hanging.length).toBe(9)
  hanging[8]?.end(PAGE)
  expect(await waiting).toMatchObject({ hasMoreResults: false })
  expect(slow.calls.at(-1)?.url.searchParams.get('codeMagasin')).toBe('99')
})

it('holds no permit during the pause before a retry', async () => {
  const server = await serverThat((call, response) => {
    if (call.url.searchParams.get('codeMagasin') === '1') response.writeHead(503).end()
    else response.end(PAGE)
  })
  const pausing = { ...retry, firstPauseMs: 600_000, maxPauseMs: 600_000 }
  const { stream, events } = streamsOn({ retry: pausing }, 'wait')
  const stop = new AbortController()
  const retrying = stream(server.url, 1).read(at, stop.signal)
  retrying.catch(() => {})
  await expect.poll(() => events.map(({ kind }) => kind)).toContain('read-retried')
  expect(await stream(server.url, 2).read(at, never)).toMatchObject({ hasMoreResults: false })
  stop.abort(new Error('stopped by the test'))
  await expect(retrying).rejects.toThrow('stopped by the test')
  expect(server.calls).toHaveLength(2)
})

it('limits the request rate to a server across all streams', async () => {
  const server = await serverThat((_, response) => void response.end(PAGE))
  const { stream } = streamsOn({ requestsPerSecond: 20 })
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
