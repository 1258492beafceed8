import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../../connector/event/canonical-json.ts'
import { listShaper, newLists } from '../../../connector/event/list-shapes.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import type {
  CheckPoint,
  ClientRecord,
  ClientSource,
  OutputFormat,
  SourceTime,
} from '../../../connector/source/client-source.ts'
import { httpClientSource } from '../../../connector/source/polaris/http-client-source.ts'
import type { PolarisConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { refusedAccounts } from '../../../connector/source/polaris/session/refused-accounts.ts'
import { type PolarisSimulator, type SimulatorOptions, startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { defaultPolaris } from '../../support/default-config.ts'
import { never } from '../../support/signals.ts'

interface Scene extends AsyncDisposable {
  readonly simulator: PolarisSimulator
  readonly source: ClientSource
}

async function scene(
  options: SimulatorOptions,
  config: (simulator: PolarisSimulator) => Partial<PolarisConfig> = () => ({}),
): Promise<Scene> {
  const simulator = await startPolarisSimulator({ clients: 25, ...options })
  const source = httpClientSource(
    { ...defaultPolaris, url: simulator.url, auth: { kind: 'none' }, codeMagasin: 1, ...config(simulator) },
    {
      clock: systemClock,
      turn: async () => {},
      accounts: refusedAccounts(systemClock),
      observe: () => undefined,
    },
  )
  return {
    ...{ simulator, source },
    [Symbol.asyncDispose]: async () => {
      await source.close()
      await simulator.close()
    },
  }
}

const reading = (output: OutputFormat, checkPoint: CheckPoint | null = null) => ({
  lastChanged: '2000-01-01T00:00:00' as SourceTime,
  ...{ checkPoint, limit: 10, output },
})

/** Reads all pages of one scan. */
async function scan(source: ClientSource, output: OutputFormat): Promise<ClientRecord[]> {
  const clients: ClientRecord[] = []
  for (let checkPoint: CheckPoint | null = null; ; ) {
    const page = await source.read(reading(output, checkPoint), never)
    clients.push(...page.clients)
    if (!page.hasMoreResults) return clients
    checkPoint = page.checkPoint
  }
}

describe('every style of response', () => {
  const forms: SimulatorOptions[] = [
    { xmlStyle: 'xml-serializer', jsonStyle: 'bare', jsonDates: 'iso' },
    { xmlStyle: 'data-contract', jsonStyle: 'd', jsonDates: 'microsoft' },
    {
      xmlStyle: 'xml-serializer',
      jsonStyle: 'type-name',
      gzip: 'when accepted',
      names: { list: 'Liste', flag: 'HasMoreResults', token: 'CheckPoint' },
    },
  ]
  it.each(forms)('yields the same clients in XML and in JSON: %o', async (options) => {
    await using opened = await scene({ seed: 7, ...options })
    const [xml, json] = [await scan(opened.source, 'xml'), await scan(opened.source, 'json')]
    expect(xml).toHaveLength(25)
    const inShape = (clients: readonly ClientRecord[]) => clients.map(listShaper(newLists(clients, [])))
    expect(inShape(xml).map(canonicalJson)).toEqual(inShape(json).map(canonicalJson))
  })
})

it('refuses an expired token, and the same call succeeds without it', async () => {
  await using opened = await scene({})
  const { checkPoint } = await opened.source.read(reading('xml'), never)
  opened.simulator.expireTokens()
  const error = await opened.source.read(reading('xml', checkPoint), never).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'source.request-refused' })
  expect((await opened.source.read(reading('xml'), never)).clients).toHaveLength(10)
})

describe('access', () => {
  const access = { user: 'zoé', password: 'mot de passe & co+' }
  const login: Partial<PolarisConfig> = { auth: { kind: 'login', account: access } }

  it('logs in, keeps the cookie, and logs in again when a session expires during a scan', async () => {
    for (const refusal of [401, 403, 'login-page'] as const) {
      const mode = { ...access, mode: 'cookie', expiresAfterCalls: 2, refusal } as const
      await using opened = await scene({ access: mode }, () => login)
      expect(await scan(opened.source, 'xml')).toHaveLength(25)
      expect(opened.simulator.calls.filter((call) => call.function === 'ACL.Login')).toHaveLength(2)
    }
  })

  it.each([
    { kind: 'query', name: 'session' },
    { kind: 'header', name: 'session' },
    { kind: 'header', name: 'Session', prefix: 'Bearer ' },
  ] as const)('reads a token from the login response and sends it as %o', async (sendAs) => {
    const token = { from: { kind: 'field', path: 'token' }, sendAs } as const
    await using opened = await scene({ access: { ...access, mode: 'token', expiresAfterCalls: 2 } }, () => ({
      auth: { kind: 'login', account: access, token },
    }))
    expect(await scan(opened.source, 'json')).toHaveLength(25)
  })
})
