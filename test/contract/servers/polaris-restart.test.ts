import { expect, it, onTestFinished } from 'vitest'
import { openSource } from '../../../connector/compose/compose-source.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { refusedAccounts } from '../../../connector/runtime/refused-accounts.ts'
import { semaphore } from '../../../connector/runtime/semaphore.ts'
import type { ReadArguments, SourceTime } from '../../../connector/source/client-source.ts'
import { polarisDefaults } from '../../../connector/source/polaris/polaris-config.ts'
import { restartBadly, restartStages } from '../../polaris/bad-restart.ts'
import { faults, startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { defaultPolaris } from '../../support/default-config.ts'
import { never } from '../../support/signals.ts'

const at: ReadArguments = {
  ...{ lastChanged: '2000-01-01T00:00:00' as SourceTime, checkPoint: null, limit: 10, output: 'xml' },
}

async function reader() {
  const simulator = await startPolarisSimulator({ clients: 5 })
  onTestFinished(() => simulator.close())
  const retry = { retries: 0, firstPauseMs: 1, maxPauseMs: 1, maxRetryAfterMs: 1 }
  const source = openSource(
    { ...defaultPolaris, url: simulator.url, auth: { kind: 'none' }, codeMagasin: 1, retry },
    {
      ...{ clock: systemClock, permits: semaphore(8), outages: 'give-up', observe: () => {} },
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

it.each([
  ['hang', 'source.timeout'],
  ['large', 'source.answer-too-large'],
] as const)('pages above a size are too much: %s', async (how, code) => {
  const simulator = await startPolarisSimulator({ clients: 30 })
  onTestFinished(() => simulator.close())
  simulator.faults.when(
    () => true,
    () => faults.pagesAbove(20, how),
  )
  const timeouts = { ...polarisDefaults.timeouts, ...(how === 'hang' ? { answerMs: 2_000 } : {}) }
  const source = openSource(
    { ...defaultPolaris, url: simulator.url, auth: { kind: 'none' }, codeMagasin: 1, timeouts },
    {
      ...{ clock: systemClock, permits: semaphore(8), outages: 'wait', observe: () => {} },
      accounts: refusedAccounts(systemClock),
    },
  )
  onTestFinished(() => source.close())
  const read = (limit: number) => source.read({ ...at, limit }, never).then(({ clients }) => clients.length, codeOf)
  expect([await read(30), await read(21), await read(20)]).toEqual([code, code, 20])
})
