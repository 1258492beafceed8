import { expect, inject, it, onTestFinished, vi } from 'vitest'
import type { LogLine } from '../support/connector-process.ts'
import { expectNothingPersonal, httpOutputs } from '../support/nothing-personal.ts'
import { startS3FaultProxy } from '../support/servers/s3-fault-proxy.ts'
import { type Scene, scene } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

const FULL_SCANS = { POLL_FULL_SCAN_EVERY: '2s', POLL_LOOK_BACK: '', POLARIS_LIMIT: '100' }
const EVENTS = { ...FULL_SCANS, REMOVED_MODE: 'event' }

const typeOf = ({ value, headers }: TopicRecord) =>
  value === null || value === undefined ? headers.ce_type : (value as { type: string }).type
const sequenceOf = ({ value, headers }: TopicRecord) =>
  Number((value as { sequence: string } | null)?.sequence ?? headers.ce_sequence)
const removalsIn = (records: readonly TopicRecord[]) => records.filter((record) => typeOf(record) === 'client.removed')
const compared = (least: Partial<Record<'missing' | 'gone', number>>) => (line: LogLine) =>
  line.msg === 'full scan compared with the client index' &&
  Object.entries(least).every(([name, value]) => line[name] === value)

/** Waits until the topic satisfies `isEnough`. */
async function until({ records }: Scene, isEnough: (found: readonly TopicRecord[]) => boolean): Promise<TopicRecord[]> {
  const read = async () => {
    const found = await records()
    expect(isEnough(found)).toBe(true)
    return found
  }
  return await vi.waitFor(read, { timeout: 60_000, interval: 250 })
}

/** Each event and tombstone has a number of its own, and none is missing. */
function expectAllNumbers(records: readonly TopicRecord[]): void {
  const numbers = records.map(sequenceOf).toSorted((left, right) => left - right)
  expect(numbers).toEqual(numbers.map((_, index) => index))
}

it('publishes a removal and a tombstone for each client that two full scans do not return, and none that they do', async () => {
  const stage = await scene({ source: { clients: 300 }, environment: { ...EVENTS, REMOVED_MODE: 'tombstone' } })
  const { simulator } = stage
  const connector = stage.start()
  await stage.caughtUp()
  const [back = '', ...others] = simulator.clientIds.slice(0, 3)
  const gone = [back, ...others]
  simulator.remove(gone)
  const removed = await until(stage, (found) => removalsIn(found).length >= 6)
  for (const id of gone) {
    const own = removed.filter(({ key }) => key === id)
    expect(own.map(typeOf)).toEqual(['client.modified', 'client.removed', 'client.removed'])
    expect(own.at(-2)?.value).toMatchObject({ subject: id, partitionkey: id })
    expect(own.at(-2)?.value).not.toHaveProperty('data')
    expect(own.at(-1)).toMatchObject({ text: '', headers: { ce_type: 'client.removed' } })
  }
  simulator.restore([back])
  const restored = await until(
    stage,
    (found) => typeOf(found.filter(({ key }) => key === back).at(-1) as never) === 'client.modified',
  )
  expect(restored.filter(({ key }) => key === back)).toHaveLength(4)
  const scans = connector.lines().filter(compared({})).length
  await connector.line(() => connector.lines().filter(compared({})).length > scans + 2)
  expect(removalsIn(await stage.records())).toHaveLength(6)
  expectAllNumbers(await stage.records())
  const metrics = (await connector.get('/metrics')).body
  expect(metrics).toMatch(/^polaris_connector_removed_total{.*} 3$/m)
  expect(metrics).toMatch(/^polaris_connector_gone_clients{.*} 0$/m)
  expectNothingPersonal([connector.output(), ...(await httpOutputs(connector))])
  for (const id of gone) expect(connector.output()).not.toContain(id)
  expect(await connector.stop()).toBe(0)
})

it('removes nothing when too many clients are missing, says so, and removes them once the limit is raised', async () => {
  const stage = await scene({ source: { clients: 300 }, environment: EVENTS })
  const connector = stage.start()
  await stage.caughtUp()
  const gone = stage.simulator.clientIds.slice(0, 15)
  stage.simulator.remove(gone)
  const line = await connector.line(({ msg }) => msg.startsWith('too many clients are missing'))
  expect(line).toMatchObject({ level: 'warn', clients: 300, missing: 15, gone: 0 })
  await connector.line(() => connector.lines().filter(({ msg }) => msg === 'scan done').length >= 4)
  expect((await connector.get('/metrics')).body).toMatch(/^polaris_connector_removals_held{.*} 1$/m)
  const id = stage.simulator.change().clientId
  await until(stage, (found) => found.filter(({ key }) => key === id).length === 2)
  expect(await connector.stop()).toBe(0)
  expect(removalsIn(await stage.records())).toEqual([])
  const again = stage.start({ REMOVED_MAX_PERCENT: '5' })
  const removed = await until(stage, (found) => removalsIn(found).length >= 15)
  expect(
    removalsIn(removed)
      .map(({ key }) => key)
      .toSorted(),
  ).toEqual(gone.toSorted())
  expect((await again.get('/metrics')).body).toMatch(/^polaris_connector_removals_held{.*} 0$/m)
  expect(await again.stop()).toBe(0)
})

it('publishes nothing in mode report, but counts the clients that are gone, and removes them in mode event', async () => {
  const stage = await scene({ source: { clients: 200 }, environment: { ...FULL_SCANS, REMOVED_MODE: 'report' } })
  const connector = stage.start()
  await stage.caughtUp()
  const gone = stage.simulator.clientIds.slice(0, 2)
  stage.simulator.remove(gone)
  await connector.line(compared({ missing: 2, gone: 0 }))
  await connector.line(compared({ missing: 0, gone: 2 }))
  await vi.waitFor(
    async () => expect((await connector.get('/metrics')).body).toMatch(/^polaris_connector_gone_clients{.*} 2$/m),
    { timeout: 10_000 },
  )
  const audit = stage.start({}, ['audit', '--ids', '--json'])
  expect(await audit.exitCode()).toBe(0)
  expect(JSON.parse(audit.printed()).ids.missing.toSorted()).toEqual(gone.toSorted())
  expect(await connector.stop()).toBe(0)
  expect(removalsIn(await stage.records())).toEqual([])
  const again = stage.start({ REMOVED_MODE: 'event' })
  await until(stage, (found) => removalsIn(found).length === 2)
  expect(await again.stop()).toBe(0)
})

it('publishes each removal once although it is killed between the scans and while it publishes', async () => {
  const proxy = await startS3FaultProxy({ target: inject('s3').endpoint })
  onTestFinished(() => proxy.close())
  const stage = await scene({
    source: { clients: 400 },
    environment: { ...EVENTS, REMOVED_MODE: 'tombstone', AWS_ENDPOINT_URL_S3: proxy.endpoint },
  })
  const { simulator } = stage
  const first = stage.start()
  await stage.caughtUp()
  const gone = simulator.clientIds.slice(0, 4)
  simulator.remove(gone)
  await first.line(compared({ missing: 4 }))
  await first.kill()
  const second = stage.start()
  await second.line(compared({ gone: 4 }))
  await second.kill()
  for (const fault of ['hang', 'hang-after'] as const) {
    const third = stage.start()
    await third.line(({ msg }) => msg === 'stream claimed')
    const puts = proxy.received.get('PUT') ?? 0
    proxy.next('PUT', { kind: fault })
    await vi.waitFor(() => expect(proxy.received.get('PUT') ?? 0).toBeGreaterThan(puts), { timeout: 20_000 })
    await third.kill()
  }
  const last = stage.start()
  await until(stage, (found) => removalsIn(found).length >= 8)
  await last.line(() => last.lines().filter(compared({})).length >= 2)
  const records = await stage.records()
  expect(
    removalsIn(records)
      .map(({ key }) => key)
      .toSorted(),
  ).toEqual([...gone, ...gone].toSorted())
  expectAllNumbers(records)
  expect(await last.stop()).toBe(0)
})
