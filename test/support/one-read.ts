import { connectorConfig } from '../../connector/config/connector-config.ts'
import { loadConfig } from '../../connector/config/load-config.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import type { ReadArguments, SourceTime } from '../../connector/source/client-source.ts'
import type { Intercept } from '../../connector/source/polaris/http/http-caller.ts'
import { httpClientSource } from '../../connector/source/polaris/http-client-source.ts'
import { type PolarisConfig, polarisDefaults } from '../../connector/source/polaris/polaris-config.ts'
import { accountGates } from '../../connector/source/polaris/session/account-gate.ts'
import { never } from './signals.ts'

/** An empty page, as XML. */
export const EMPTY_PAGE = '<p><hasMoreResults>false</hasMoreResults></p>'

export const firstPage: ReadArguments = {
  lastChanged: '2024-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: 10,
  output: 'xml',
}

/** The settings of a stream for which only what is required is given. */
function defaultPolaris(): PolarisConfig {
  const environment = {
    CONNECTOR_ID: 'shops',
    KAFKA_BROKERS: 'kafka-1:9092',
    CHECKPOINT_URL: 's3://bucket/polaris',
    POLARIS_URL: 'http://polaris.example.com',
    POLARIS_CODE_MAGASIN: '1',
  }
  const { streams } = connectorConfig(loadConfig({ file: undefined, environment, readFile: () => '', now: 0 }).settings)
  if (streams[0] === undefined) throw new Error('there is no stream')
  return streams[0].polaris
}

export type SourceSettings = Partial<PolarisConfig> & { readonly url: string }

/** The settings of `sourceAt`. */
export const polarisAt = (settings: SourceSettings): PolarisConfig => ({
  ...defaultPolaris(),
  auth: { kind: 'none' },
  codeMagasin: 1,
  ...settings,
})

type SharedParts = Partial<Pick<Parameters<typeof httpClientSource>[1], 'accounts' | 'clock'>>

/** A source that never waits for its turn. */
export function sourceAt(
  settings: SourceSettings,
  intercept?: Intercept,
  shared: SharedParts = {},
): ReturnType<typeof httpClientSource> {
  const accounts = accountGates(systemClock)()
  return httpClientSource(polarisAt(settings), {
    clock: systemClock,
    turn: async () => {},
    accounts,
    observe: () => {},
    intercept,
    ...shared,
  })
}

/** A source that never waits long for a connection. */
export function testSource(settings: SourceSettings, shared: SharedParts = {}) {
  const timeouts = { ...polarisDefaults.timeouts, connectMs: 1_000 }
  const source = sourceAt({ timeouts, ...settings }, undefined, shared)
  return {
    /** Reads one page. Returns the result, or the code and message of the error. */
    read: async (): Promise<string> => {
      try {
        const page = await source.read(firstPage, never)
        return `a page with ${page.clients.length} clients`
      } catch (error) {
        return error instanceof Error && 'code' in error ? `${error.code}: ${error.message}` : `bug: ${error}`
      }
    },
    [Symbol.asyncDispose]: () => source.close(),
  }
}

/** Reads one page with a source of its own. */
export async function readOnce(config: Partial<PolarisConfig> & { readonly url: string }): Promise<string> {
  await using source = testSource(config)
  return await source.read()
}
