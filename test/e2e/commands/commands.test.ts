import type { Admin } from 'kafkajs'
import { expect, inject, it } from 'vitest'
import { checkpointObject } from '../../support/checkpoint-object.ts'
import { testKafka } from '../../support/committed-records.ts'
import { type LogLine, startConnector } from '../../support/connector-process.ts'
import { createTopics } from '../../support/create-topics.ts'
import { setPaused } from '../../support/paused-stream.ts'
import { configFile, expectExactlyOnce, expectNumbered, scene, untilCaughtUp } from '../../support/stream-scene.ts'

const hasMessage = (msg: string) => (line: LogLine) => line.msg === msg

it('lint reports every invalid setting without connecting, and exits with 2', async () => {
  const { start, simulator } = await scene()
  const valid = start({}, ['lint'])
  expect(await valid.exitCode()).toBe(0)
  expect(valid.output()).toMatch(/^valid: true/)
  const invalid = start({ POLL_INTERVAL: 'soon', POLARIS_CODE_MAGASIN: 'one', KAFKA_SSL: 'perhaps' }, ['lint'])
  expect(await invalid.exitCode()).toBe(2)
  for (const name of ['POLL_INTERVAL', 'POLARIS_CODE_MAGASIN', 'KAFKA_SSL']) expect(invalid.output()).toContain(name)
  expect(simulator.calls).toEqual([])
})

it.each(['run', 'doctor'])(
  '%s names every invalid setting and exits with 2 when the configuration is invalid',
  async (command) => {
    const { start } = await scene()
    const connector = start({ POLL_INTERVAL: 'soon', CONNECTOR_ID: '' }, [command])
    expect(await connector.exitCode()).toBe(2)
    expect(connector.output()).toContain('POLL_INTERVAL')
    expect(connector.output()).toContain('CONNECTOR_ID')
  },
)

it('exits with 2 when the command is unknown', async () => {
  const { start } = await scene()
  const connector = start({}, ['rum'])
  expect(await connector.exitCode()).toBe(2)
  expect(connector.output()).toContain('unknown command rum')
})

it('run --until-caught-up ends with 0 when the stream has caught up, without a group, and resumes there the next time', async () => {
  const { simulator, start, records, name } = await scene({ environment: { PLACEMENT: 'group' } })
  const first = start({}, untilCaughtUp)
  expect(await first.exitCode()).toBe(0)
  expect(first.lines().find(hasMessage('run ended'))).toMatchObject({ stream: 'clients', end: 'caught-up' })
  expect(await records()).toHaveLength(200)
  for (let change = 0; change < 20; change += 1) simulator.change()
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
  expect(await withAdmin((admin) => admin.listTopics())).not.toContain(`${name}.slots`)
})

it('run --until-caught-up ends with the exit code of the error that holds a stream, after the other streams have caught up', async () => {
  const { simulator, name, environment } = await scene()
  const ofStreams = /^(?:POLARIS_|POLL_|KAFKA_TOPIC)/
  const shared = Object.fromEntries(Object.entries(environment).filter(([variable]) => !ofStreams.test(variable)))
  const polaris = { codeMagasin: 1, lastChanged: '2000-01-01', url: simulator.url }
  const streams = [
    { name: 'one', polaris, kafka: { topic: `${name}.one` } },
    { name: 'other', polaris: { ...polaris, clientIdField: 'Missing' }, kafka: { topic: `${name}.other` } },
  ]
  const config = configFile(JSON.stringify({ streams }))
  const ended = startConnector([...untilCaughtUp, '--config', config], shared)
  expect(await ended.exitCode(), ended.output()).toBe(2)
  const failed = ended.lines().filter(hasMessage('stream failed, giving up'))
  expect(failed).toMatchObject([{ level: 'error', stream: 'other', code: 'source.mapping' }])
  expect(ended.lines().filter(hasMessage('run ended'))).toMatchObject([
    { stream: 'one', end: 'caught-up' },
    { stream: 'other', end: 'held', code: 'source.mapping' },
  ])
})

it('run --until-caught-up leaves a paused stream alone, and ends with 0', async () => {
  const { simulator, start, name } = await scene()
  await setPaused(name, 'paused')
  const ended = start({}, untilCaughtUp)
  expect(await ended.exitCode(), ended.output()).toBe(0)
  expect(ended.lines().find(hasMessage('run ended'))).toMatchObject({ stream: 'clients', end: 'paused' })
  expect(simulator.calls).toEqual([])
})

it('checkpoint show prints the checkpoint and changes nothing', async () => {
  const { start, name } = await scene()
  const before = start({}, ['checkpoint', 'show', 'clients'])
  expect(await before.exitCode()).toBe(0)
  expect(before.printed()).toBe('stream: clients\nremark: no checkpoint\n')
  await start({}, untilCaughtUp).exitCode()
  const stored = await checkpointObject(name).read()
  const show = async () => {
    const shown = start({}, ['checkpoint', 'show', 'clients'])
    expect(await shown.exitCode()).toBe(0)
    return shown.output()
  }
  const shown = await show()
  expect(shown).toMatch(/^liveUntil: \S+Z\nhistory: done\nevents: 200\nopenedBy: \S+\nopenedAt: \S+Z\nepoch: 1$/m)
  expect(shown).toMatch(/^ {2}SCAN +LASTCOMPLETED +INPROGRESS +NEXT\n {2}live /m)
  expect(await show()).toBe(shown)
  expect(await checkpointObject(name).read()).toEqual(stored)
  const all = start({}, ['checkpoint', 'show'])
  expect(await all.exitCode()).toBe(0)
  expect(all.printed()).toMatch(/^streams\n {2}STREAM +LIVEUNTIL .*\n {2}clients +\S+Z +done +200 +\S+ +\S+Z +1\n$/)
})

it('checkpoint reset says that the checkpoint is lost when Kafka has its commit record', async () => {
  const { start, name } = await scene()
  await start({}, untilCaughtUp).exitCode()
  await checkpointObject(name).remove()
  const reset = start({}, ['checkpoint', 'reset'])
  expect(await reset.exitCode()).toBe(2)
  expect(reset.printed()).toMatch(/^next: .*`checkpoint rebuild-index`/m)
})

it('checkpoint set fences the running connector and reads again from a date; checkpoint reset --republish publishes all again', async () => {
  const { simulator, start, records, caughtUp } = await scene({
    source: { modifiedBetween: [Date.UTC(2024, 0, 1), Date.UTC(2024, 11, 31)] },
  })
  const running = start()
  await running.line(hasMessage('caught up'))
  await caughtUp()
  const unconfirmed = start({}, ['checkpoint', 'set', '--last-changed', '2024-07-01'])
  expect(await unconfirmed.exitCode()).toBe(2)
  expect(unconfirmed.output()).toMatch(/^now: \d+ events, .*live until 20/m)
  expect(unconfirmed.output()).toMatch(
    /^plan: read the clients modified from 2024-07-01T00:00:00 to 20\S+ server time again, and .*\n.*--yes/m,
  )
  expect(running.isRunning()).toBe(true)

  const set = start({}, ['checkpoint', 'set', '--last-changed', '2024-07-01', '--yes'])
  expect(await set.exitCode()).toBe(0)
  expect(set.output()).toMatch(
    /^before: 200 events, .*\nnow: epoch 2, 200 events, .*read again from 2024-07-01T00:00:00 server time$/m,
  )
  simulator.change()
  expect(await running.exitCode()).toBe(1)
  expect(running.lines().find(hasMessage('stream lost to another replica'))).toMatchObject({ code: 'publish.fenced' })

  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  expect(await caughtUp()).toHaveLength(201)

  expect(await start({}, ['checkpoint', 'reset', '--yes']).exitCode()).toBe(0)
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  expect(await records()).toHaveLength(201)

  expect(await start({}, ['checkpoint', 'reset', '--republish', '--yes']).exitCode()).toBe(0)
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  const all = await records()
  expect(all).toHaveLength(401)
  expectNumbered(all)
})

it('run creates no topic for a checkpoint of another topic', async () => {
  const { start, name } = await scene()
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  const before = await checkpointObject(name).read()
  const elsewhere = { KAFKA_TOPIC: `${name}.other` }
  const polled = start(elsewhere, untilCaughtUp)
  expect(await polled.exitCode()).toBe(2)
  expect(polled.lines().find(hasMessage('stream failed, giving up'))).toMatchObject({ code: 'checkpoint.other-stream' })
  const topics = await withAdmin((admin) => admin.listTopics())
  expect(topics.filter((topic) => topic.startsWith(name)).toSorted()).toEqual([name, `${name}.dlq`])
  expect(await checkpointObject(name).read()).toEqual(before)
})

async function withAdmin<Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = testKafka(inject('kafkaBrokers')).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

it('checkpoint set skips forward only with --skip, says what it skips, and reads nothing before the beginning of the stream', async () => {
  const { start } = await scene({ environment: { POLARIS_LAST_CHANGED: '2001-01-01' } })
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  const set = async (...options: string[]) => {
    const started = start({}, ['checkpoint', 'set', '--yes', '--last-changed', ...options])
    return { exit: await started.exitCode(), output: started.output() }
  }
  expect(await set('2000-12-31')).toEqual({ exit: 2, output: expect.stringMatching(/POLARIS_LAST_CHANGED.*reset/) })
  for (const options of [['2099-01-01'], ['2099-01-01', '--skip']])
    expect(await set(...options)).toEqual({ exit: 2, output: expect.stringContaining('is in the future') })
  const now = new Date().toISOString()
  expect(await set(now)).toEqual({ exit: 2, output: expect.stringContaining('--skip') })
  const skipped = await set(now, '--skip')
  expect(skipped).toEqual({
    ...{ exit: 0, output: expect.stringMatching(/^skipped: changes from 20\S+ to 20\S+$/m) },
  })
})

it('checkpoint set --skip makes a new stream begin at a date', async () => {
  const { simulator, start, records, name } = await scene({
    source: { modifiedBetween: [Date.UTC(2024, 0, 1), Date.UTC(2024, 11, 31)] },
  })
  await withAdmin((admin) => createTopics(admin, [{ topic: name }, { topic: `${name}.dlq` }]))
  const set = start({}, ['checkpoint', 'set', '--last-changed', '2024-07-01', '--skip', '--yes'])
  expect(await set.exitCode()).toBe(0)
  expect(set.output()).toMatch(/^before: no checkpoint\nskipped: everything before 2024-07-01T00:00:00\nnow: /)
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  const published = new Set((await records()).map(({ key }) => key))
  const modifiedSince = (time: string) =>
    simulator.changes.filter(({ modified }) => modified >= time).map(({ clientId }) => clientId)
  expect([...published]).toEqual(expect.arrayContaining(modifiedSince('2024-07-01')))
  // The longest look-back reaches 26 hours before it.
  expect(modifiedSince('2024-06-29T20:00')).toEqual(expect.arrayContaining([...published]))
})

it('checkpoint rebuild-index makes the index again from the topic when its segments are lost, and nothing is published again', async () => {
  const clients = 2_000
  const { simulator, start, records, name } = await scene({ source: { clients } })
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  expect(await checkpointObject(name).removeSegments()).toBeGreaterThan(0)
  const held = start({}, untilCaughtUp)
  expect(await held.exitCode()).toBe(1)
  expect(held.lines().find(hasMessage('stream failed, giving up'))).toMatchObject({ code: 'checkpoint.index-missing' })

  const unconfirmed = start({}, ['checkpoint', 'rebuild-index'])
  expect(await unconfirmed.exitCode()).toBe(2)
  const rebuilt = start({}, ['checkpoint', 'rebuild-index', '--yes'])
  expect(await rebuilt.exitCode(), rebuilt.output()).toBe(0)
  expect(rebuilt.output()).toMatch(new RegExp(`100 % of the topic read: ${clients} events, ${clients} clients`))
  expect(rebuilt.output()).toMatch(new RegExp(`^${clients} clients in the new index$`, 'm'))
  expect(await start({}, ['checkpoint', 'reset', '--yes']).exitCode()).toBe(0)
  for (let change = 0; change < 20; change += 1) simulator.change()
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
})

it('checkpoint rebuild-index rejects a stream that runs at once, and works beside a replica that has confirmed the pause', async () => {
  const { start, caughtUp, name } = await scene()
  const replica = start()
  await caughtUp()
  const rebuild = ['checkpoint', 'rebuild-index', '--yes']
  const rejected = start({}, rebuild)
  expect(await rejected.exitCode()).toBe(2)
  expect(rejected.output()).toContain(
    'stream clients is neither paused nor held: run `polaris-connector pause clients` first',
  )
  expect((await checkpointObject(name).document()).claim.epoch).toBe(1)
  expect(await start({}, ['pause', 'clients', '--reason', 'test']).exitCode()).toBe(0)
  expect(await start({}, rebuild).exitCode()).toBe(0)
  expect(await start({}, ['resume', 'clients']).exitCode()).toBe(0)
  await checkpointObject(name).until(({ claim }) => claim.epoch === 3)
  expect(await replica.stop()).toBe(0)
})
