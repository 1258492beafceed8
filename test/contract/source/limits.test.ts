import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import type { ReadArguments, SourceEvent, SourceTime } from '../../../connector/source/client-source.ts'
import { requestRates } from '../../../connector/source/polaris/http/request-rate.ts'
import { httpClientSource } from '../../../connector/source/polaris/http-client-source.ts'
import type { PolarisConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { refusedAccounts } from '../../../connector/source/polaris/session/refused-accounts.ts'
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
  const rates = requestRates(systemClock)
  const stream = (url: string, codeMagasin: number) => {
    const config = { ...defaultPolaris, url, auth: { kind: 'none' as const }, codeMagasin, ...changed }
    const source = httpClientSource(config, {
      clock: systemClock,
      turn: rates.of(config),
      accounts: refusedAccounts(systemClock),
      observe,
    })
    onTestFinished(() => source.close())
    return source
  }
  return { stream, events }
}

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
