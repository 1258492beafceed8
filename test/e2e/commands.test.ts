import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ConnectorProcess, type LogLine, startConnector } from '../support/connector-process.ts'
import { expectExactlyOnce, expectNumbered, scene } from '../support/stream-scene.ts'

const says = (msg: string) => (line: LogLine) => line.msg === msg

/** Patient with brokers: it begins before the other tests. */
let withoutKafka: ConnectorProcess
const folder = mkdtempSync(join(tmpdir(), 'e2e-'))
beforeAll(() => {
  const polaris = { url: 'http://127.0.0.1:9/', codeMagasin: 1, lastChanged: '2000-01-01' }
  const streams = ['one', 'other'].map((name) => ({ name, polaris, kafka: { topic: name } }))
  const kafka = { brokers: ['127.0.0.1:9'] }
  const config = join(folder, 'connector.yaml')
  writeFileSync(
    config,
    JSON.stringify({ connector: 'without-kafka', kafka, checkpoint: { url: `file:${folder}` }, streams }),
  )
  withoutKafka = startConnector(['poll-once', '--config', config], {})
})
afterAll(async () => {
  await withoutKafka.kill()
  rmSync(folder, { recursive: true, force: true })
})

it('lint says what is wrong with every setting, without connecting, and ends with 2', async () => {
  const { start, simulator } = await scene()
  const good = start({}, ['lint'])
  expect(await good.exitCode()).toBe(0)
  expect(good.output()).toMatch(/^configuration is valid/)
  const bad = start({ POLL_INTERVAL: 'soon', POLARIS_CODE_MAGASIN: 'one', DELIVERY: 'perhaps' }, ['lint'])
  expect(await bad.exitCode()).toBe(2)
  for (const name of ['POLL_INTERVAL', 'POLARIS_CODE_MAGASIN', 'DELIVERY']) expect(bad.output()).toContain(name)
  expect(simulator.calls).toEqual([])
})

it.each(['run', 'poll-once'])(
  '%s ends with 2, naming every wrong setting, when the configuration is wrong',
  async (command) => {
    const { start } = await scene()
    const connector = start({ POLL_INTERVAL: 'soon', CONNECTOR_ID: '' }, [command])
    expect(await connector.exitCode()).toBe(2)
    expect(connector.output()).toContain('POLL_INTERVAL')
    expect(connector.output()).toContain('CONNECTOR_ID')
  },
)

it('an unknown command ends with 2', async () => {
  const { start } = await scene()
  const connector = start({}, ['rum'])
  expect(await connector.exitCode()).toBe(2)
  expect(connector.output()).toContain('unknown command rum')
})

it('poll-once does one drain, ends with 0, and goes on there the next time', async () => {
  const { simulator, start, records } = await scene()
  expect(await start({}, ['poll-once']).exitCode()).toBe(0)
  expect(await records()).toHaveLength(200)
  for (let change = 0; change < 20; change += 1) simulator.change()
  expect(await start({}, ['poll-once']).exitCode()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
})

it('poll-once ends with 3 when something is missing', async () => {
  const yaml =
    'checkpoint: { timeouts: { connect: 500ms, answer: 1s, call: 2s } }\nstreams: [{ polaris: { retry: { firstPause: 10ms } } }]'
  const { start } = await scene({ yaml })
  const missing: [Record<string, string>, string][] = [
    [{ POLARIS_URL: 'http://127.0.0.1:9/' }, 'source.unreachable'],
    [{ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }, 'storage.unavailable'],
    [{ CHECKPOINT_URL: 's3://no-such-bucket/e2e' }, 'storage.refused'],
  ]
  await Promise.all(
    missing.map(async ([environment, code]) => {
      const connector = start({ CONNECTOR_ID: code.replace('.', '-'), ...environment }, ['poll-once'])
      expect(await connector.exitCode()).toBe(3)
      const stopped = connector.lines().find(says('stream stopped, an operator is needed'))
      expect(stopped).toMatchObject({ level: 'error', code })
    }),
  )
})

it('checkpoint show tells where a stream stands and changes nothing', async () => {
  const { start, name } = await scene()
  const before = start({}, ['checkpoint', 'show'])
  expect(await before.exitCode()).toBe(0)
  expect(before.output()).toContain('stream clients has no checkpoint yet')
  await start({}, ['poll-once']).exitCode()
  const show = async () => {
    const shown = start({}, ['checkpoint', 'show'])
    expect(await shown.exitCode()).toBe(0)
    return shown.output()
  }
  const shown = await show()
  expect(JSON.parse(shown)).toMatchObject({
    ...{ connector: name, stream: 'clients', claim: { epoch: 1 }, pending: null },
    committed: { by: 'note', events: 200, resume: { drain: 'due' }, mapping: { clientId: 'No' } },
  })
  expect(await show()).toBe(shown)
})

it('checkpoint set fences the running connector and makes the stream publish again from a date; reset from the beginning', async () => {
  const { simulator, start, records, caughtUp } = await scene({
    source: { modifiedBetween: [Date.UTC(2024, 0, 1), Date.UTC(2024, 11, 31)] },
  })
  const running = start()
  await running.line(says('caught up'))
  const unsure = start({}, ['checkpoint', 'set', '--last-changed', '2024-07-01'])
  expect(await unsure.exitCode()).toBe(2)
  expect(unsure.output()).toContain('--yes')
  expect(running.isRunning()).toBe(true)

  const set = start({}, ['checkpoint', 'set', '--last-changed', '2024-07-01', '--yes'])
  expect(await set.exitCode()).toBe(0)
  expect(set.output()).toMatch(/^before: .*"events":200.*\nnow: \{"epoch":2.*2024-07-01T00:00:00/)
  simulator.change()
  expect(await running.exitCode()).toBe(1)
  expect(running.lines().find(says('stream lost to another replica'))).toMatchObject({ code: 'publish.fenced' })

  expect(await start({}, ['poll-once']).exitCode()).toBe(0)
  const again = await caughtUp()
  const sinceJuly = simulator.changes.filter(({ modified }) => modified >= '2024-07-01')
  expect(again).toHaveLength(200 + new Set(sinceJuly.map(({ clientId }) => clientId)).size)
  expectNumbered(again)

  expect(await start({}, ['checkpoint', 'reset', '--yes']).exitCode()).toBe(0)
  expect(await start({}, ['poll-once']).exitCode()).toBe(0)
  const all = await records()
  expect(all).toHaveLength(again.length + 200)
  expectNumbered(all)
})

it('poll-once ends with 3 when Kafka is missing, after one patient try of one of its streams', async () => {
  expect(await withoutKafka.exitCode()).toBe(3)
  expect(withoutKafka.lines().filter(says('stream failed, opening it again'))).toEqual([])
  const stopped = withoutKafka.lines().filter(says('stream stopped, an operator is needed'))
  expect(stopped).toMatchObject([{ level: 'error', stream: 'one', code: 'publish.unreachable' }])
})
