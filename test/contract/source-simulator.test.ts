import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../connector/event/canonical-json.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { turns } from '../../connector/runtime/turns.ts'
import { mayRefuseCheckPoint } from '../../connector/source/answer-verdict.ts'
import type {
  CheckPoint,
  ClientRecord,
  ClientSource,
  OutputFormat,
  SourceTime,
} from '../../connector/source/client-source.ts'
import { httpClientSource } from '../../connector/source/http-client-source.ts'
import { type PolarisConfig, polarisDefaults } from '../../connector/source/polaris-config.ts'
import {
  faults,
  type PolarisSimulator,
  type SimulatorOptions,
  startPolarisSimulator,
} from '../support/servers/polaris-simulator.ts'

const never = new AbortController().signal

interface Scene extends AsyncDisposable {
  readonly simulator: PolarisSimulator
  readonly source: ClientSource
}

async function scene(
  options: SimulatorOptions,
  config: (simulator: PolarisSimulator) => Partial<PolarisConfig> = () => ({}),
): Promise<Scene> {
  const simulator = await startPolarisSimulator({ clients: 25, ...options })
  const retry = { retries: 1, firstPauseMs: 1, maxPauseMs: 2, maxRetryAfterMs: 5 }
  const source = httpClientSource(
    { ...polarisDefaults, url: simulator.url, auth: { kind: 'none' }, codeMagasin: 1, retry, ...config(simulator) },
    { clock: systemClock, turns: turns(8), observe: () => undefined },
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

/** One drain. */
async function drain(source: ClientSource, output: OutputFormat): Promise<ClientRecord[]> {
  const clients: ClientRecord[] = []
  for (let checkPoint: CheckPoint | null = null; ; ) {
    const page = await source.read(reading(output, checkPoint), never)
    clients.push(...page.clients)
    if (!page.hasMoreResults) return clients
    checkPoint = page.checkPoint
  }
}

describe('every form of answer', () => {
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
  it.each(forms)('gives the same clients in XML and in JSON: %o', async (options) => {
    await using one = await scene({ seed: 7, ...options }, () => ({
      listFields: ['Cartes', 'Membres', 'Telephones', 'Adresses'],
    }))
    const [xml, json] = [await drain(one.source, 'xml'), await drain(one.source, 'json')]
    expect(xml).toHaveLength(25)
    expect(xml.map(canonicalJson)).toEqual(json.map(canonicalJson))
  })

  it('reads clients that come as attributes', async () => {
    await using one = await scene({ xmlStyle: 'attributes' })
    expect((await drain(one.source, 'xml')).map(({ No }) => No)).toEqual(one.simulator.clientIds)
  })

  it.each(['utf-8-bom', 'utf-16le', 'utf-16be', 'iso-8859-1'] as const)('reads %s like UTF-8', async (encoding) => {
    await using one = await scene({ seed: 3 })
    const plain = (await one.source.read(reading('xml'), never)).clients
    one.simulator.faults.next(1, faults.encoding(encoding))
    expect((await one.source.read(reading('xml'), never)).clients).toEqual(plain)
  })
})

describe('faults', () => {
  it.each([
    [faults.reset('before'), 'source.unreachable'],
    [faults.reset('middle'), 'source.answer-truncated'],
    [faults.truncate(0.5, 'right'), 'source.answer-truncated'],
    [faults.truncate(0.5, 'wrong'), 'source.answer-truncated'],
    [faults.truncate(0.5, 'none'), 'source.answer-truncated'],
    [faults.html(), 'source.answer-not-a-page'],
    [faults.plainText(), 'source.answer-not-a-page'],
    [faults.empty(), 'source.answer-not-a-page'],
    [faults.errorDocument(), 'source.error-document'],
    [faults.errorDocument('json'), 'source.error-document'],
    [faults.missingFlag(), 'source.answer-malformed'],
    [faults.nilFlag(), 'source.answer-malformed'],
    [faults.missingToken(), 'source.answer-malformed'],
    [faults.missingToken(null), 'source.answer-malformed'],
    [faults.missingToken(''), 'source.answer-malformed'],
    [faults.wrongFormat('json'), 'source.answer-malformed'],
  ])('$name is $1', async (fault, code) => {
    await using one = await scene({})
    one.simulator.faults.next(2, fault)
    await expect(one.source.read(reading('xml'), never)).rejects.toMatchObject({ code })
    one.simulator.faults.clear()
    expect(await drain(one.source, 'xml')).toHaveLength(25)
  })

  it('an expired token shows as one that may be refused, while the same call without it succeeds', async () => {
    await using one = await scene({})
    const { checkPoint } = await one.source.read(reading('xml'), never)
    one.simulator.expireTokens()
    const error = await one.source.read(reading('xml', checkPoint), never).catch((thrown: unknown) => thrown)
    expect(mayRefuseCheckPoint(error)).toBe(true)
    expect((await one.source.read(reading('xml'), never)).clients).toHaveLength(10)
  })
})

describe('access', () => {
  const access = { user: 'zoé', password: 'mot de passe & co+' }
  const login = (method: 'GET' | 'POST'): Partial<PolarisConfig> => ({
    auth: { kind: 'login', ...access, login: { method } },
  })

  it.each(['GET', 'POST'] as const)(
    'logs in by %s and keeps the cookie; sessions that end in the middle cost a re-login each',
    async (method) => {
      for (const refusal of [401, 403, 'login-page'] as const) {
        await using one = await scene({ access: { ...access, mode: 'cookie', expiresAfterCalls: 2, refusal } }, () =>
          login(method),
        )
        expect(await drain(one.source, 'xml')).toHaveLength(25)
        expect(one.simulator.calls.filter((call) => call.function === 'ACL.Login')).toHaveLength(2)
      }
    },
  )

  it.each([
    { kind: 'query', name: 'session' },
    { kind: 'header', name: 'session' },
    { kind: 'header', name: 'Session', prefix: 'Bearer ' },
  ] as const)('takes a token from the answer and sends it as %o', async (sendAs) => {
    const token = { from: { kind: 'field', path: 'token' }, sendAs } as const
    await using one = await scene({ access: { ...access, mode: 'token', expiresAfterCalls: 2 } }, () => ({
      auth: { kind: 'login', ...access, login: { method: 'POST', token } },
    }))
    expect(await drain(one.source, 'json')).toHaveLength(25)
  })

  it('stops on bad credentials after one try, for good', async () => {
    await using one = await scene({ access: { ...access, mode: 'cookie' } }, () => ({
      auth: { kind: 'login', user: access.user, password: 'wrong', login: { method: 'POST' } },
    }))
    for (let read = 0; read < 3; read++) {
      await expect(one.source.read(reading('xml'), never)).rejects.toMatchObject({ code: 'source.unauthorized' })
    }
    expect(one.simulator.calls).toHaveLength(1)
  })

  it('names the rights that are missing', async () => {
    await using one = await scene({ access: { ...access, mode: 'cookie', lacksRights: true } }, () => login('POST'))
    await expect(one.source.read(reading('xml'), never)).rejects.toMatchObject({
      code: 'source.forbidden',
      message: expect.stringMatching(/«consultation des membres clients».*«saisie des membres clients»/),
    })
  })

  it('reads with Basic, and stops without it', async () => {
    await using one = await scene({ access: { ...access, mode: 'basic' } }, () => ({
      auth: { kind: 'basic', ...access },
    }))
    expect(await drain(one.source, 'xml')).toHaveLength(25)
    await using other = await scene({ access: { ...access, mode: 'basic' } })
    await expect(other.source.read(reading('xml'), never)).rejects.toMatchObject({ code: 'source.unauthorized' })
  })
})
