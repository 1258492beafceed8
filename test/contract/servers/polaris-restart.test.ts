import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ReadArguments, SourceTime } from '../../../connector/source/client-source.ts'
import { httpClientSource } from '../../../connector/source/polaris/http-client-source.ts'
import { refusedAccounts } from '../../../connector/source/polaris/session/refused-accounts.ts'
import { restartBadly, restartStages } from '../../polaris/bad-restart.ts'
import { startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { defaultPolaris } from '../../support/default-config.ts'
import { never } from '../../support/signals.ts'

const at: ReadArguments = {
  ...{ lastChanged: '2000-01-01T00:00:00' as SourceTime, checkPoint: null, limit: 10, output: 'xml' },
}

async function reader() {
  const simulator = await startPolarisSimulator({ clients: 5 })
  onTestFinished(() => simulator.close())
  const source = httpClientSource(
    { ...defaultPolaris, url: simulator.url, auth: { kind: 'none' }, codeMagasin: 1 },
    {
      ...{ clock: systemClock, turn: async () => {}, observe: () => {} },
      accounts: refusedAccounts(systemClock),
    },
  )
  onTestFinished(() => source.close())
  return { simulator, read: () => source.read(at, never).then(() => 'page', codeOf) }
}

it.each(restartStages)('a server that restarts badly returns no page: $name', async ({ faults: all }) => {
  const { simulator, read } = await reader()
  for (const fault of all) {
    simulator.faults.when(() => true, fault)
    expect(await read(), fault.name).toMatch(/^source\./)
    simulator.faults.clear()
    expect(await read(), fault.name).toBe('page')
  }
})

it('a restart ends, and counts the calls that failed', async () => {
  const { simulator, read } = await reader()
  const stages: string[] = []
  const restarting = restartBadly(simulator.faults, {
    ...{ stageMs: 20, random: () => 0, onStage: (name) => stages.push(name) },
  })
  let failed = 0
  while ((await read()) !== 'page') failed += 1
  expect(await restarting).toBeGreaterThanOrEqual(failed)
  expect(failed).toBeGreaterThan(0)
  expect(stages).toEqual(restartStages.map(({ name }) => name))
})
