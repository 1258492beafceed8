import type { ServerResponse } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { refusedAccounts } from '../../../connector/runtime/refused-accounts.ts'
import type { ReadArguments, SourceEvent, SourceTime } from '../../../connector/source/client-source.ts'
import { limitedServers } from '../../../connector/source/polaris/http/server-limits.ts'
import { httpClientSource } from '../../../connector/source/polaris/http-client-source.ts'
import { type PolarisConfig, polarisDefaults } from '../../../connector/source/polaris/polaris-config.ts'
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

async function serverThat(script: Script) {
  const server = await scriptedServer(script)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

/** Streams of one process, identified by their `codeMagasin`. */
function streamsOn(changed: Partial<PolarisConfig> = {}) {
  const events: SourceEvent[] = []
  const observe = (event: SourceEvent) => events.push(event)
  const servers = limitedServers(systemClock)
  const stream = (url: string, codeMagasin: number) => {
    const config = { ...defaultPolaris, url, auth: { kind: 'none' as const }, codeMagasin, ...changed }
    const source = httpClientSource(config, {
      clock: systemClock,
      permits: servers.of(config),
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
  await expect(sent[0]).rejects.toMatchObject({ code: 'source.unreachable' })
  await expect.poll(() => hanging.length).toBe(9)
  hanging[8]?.end(PAGE)
  expect(await waiting).toMatchObject({ hasMoreResults: false })
  expect(slow.calls.at(-1)?.url.searchParams.get('codeMagasin')).toBe('99')
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
