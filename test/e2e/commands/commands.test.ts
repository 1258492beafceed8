import { expect, test } from 'vitest'
import { type LogLine, startConnector } from '../../support/connector-process.ts'
import { configFile, expectExactlyOnce, scene, testAdmin, untilCaughtUp } from '../../support/stream-scene.ts'

// The built commands run on real servers, and their exit codes and logs are read.

const hasMessage = (msg: string) => (line: LogLine) => line.msg === msg

test('run --until-caught-up ends with 0 when the stream has caught up, without a group, and resumes there the next time', async () => {
  const { simulator, start, records, name } = await scene({ environment: { PLACEMENT: 'group' } })
  const first = start({}, untilCaughtUp)
  expect(await first.exitCode()).toBe(0)
  expect(first.lines().find(hasMessage('run ended'))).toMatchObject({ stream: 'clients', end: 'caught-up' })
  expect(await records()).toHaveLength(200)
  for (let change = 0; change < 20; change += 1) simulator.change()
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
  expect(await (await testAdmin()).listTopics()).not.toContain(`${name}.slots`)
})

test('run --until-caught-up ends with the exit code of the error that holds a stream, after the other streams have caught up', async () => {
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
