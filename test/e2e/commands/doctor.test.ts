import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Finding } from '../../../connector/inspect/doctor/doctor-parts.ts'
import { plantedMarks } from '../../polaris/polaris-simulator.ts'
import { checkpointObject } from '../../support/checkpoint-object.ts'
import { type LogLine, startConnector } from '../../support/connector-process.ts'
import { rawServer } from '../../support/servers/raw-server.ts'
import { configFile, expectExactlyOnce, type Scene, scene, testAdmin } from '../../support/stream-scene.ts'

// The built command examines real servers, some of which do not answer.

const hasMessage = (msg: string) => (line: LogLine) => line.msg === msg

/** The output of doctor, with its findings by check. */
async function examined({ start }: Pick<Scene, 'start'>, environment: Record<string, string> = {}) {
  const startedAt = performance.now()
  const doctor = start(environment, ['doctor', '--json'])
  const exit = await doctor.exitCode()
  const output = doctor.printed()
  const { findings } = JSON.parse(output) as { findings: readonly Finding[] }
  const byCheck = Object.fromEntries(findings.map((one) => [one.check, one]))
  return { exit, output, findings, byCheck, pid: doctor.pid, tookMs: performance.now() - startedAt }
}

const verdicts = (findings: readonly Finding[], verdict: Finding['verdict']) =>
  findings.filter((one) => one.verdict === verdict).map(({ check }) => check)

const group = { PLACEMENT: 'group' }

test('prints one row per check before the first start, and creates nothing', async () => {
  const here = await scene()
  const doctor = here.start(group, ['doctor'])
  expect(await doctor.exitCode(), doctor.output()).toBe(0)
  const lines = doctor.output().split('\n')
  for (const pattern of [
    /^ {2}STREAM +CHECK +VERDICT +DETAIL$/,
    /^ {2}– +kafka +ok +cluster \S+, brokers: 1$/,
    /^ {2}– +checkpoint store +ok +supports conditional writes; a trial segment was written, listed and deleted$/,
    /^ {2}clients +polaris +ok/,
    /^ {6}detail: hasMoreResults: hasMoreResults, checkPoint: checkpoint, clients: clients\.InfoClient; disregarded: nothing$/,
    /^ {2}clients +second page +ok +20 clients$/,
    /^ {2}clients +interleaved scans +ok +the second page is the same after pages of another scan$/,
    /^ {6}detail: Cartes\.Carte: lists in events once run has found them; to configure: listFields: \["Cartes\.Carte"\]$/,
    /^ {2}clients +fields +ok$/,
    /^ {6}detail: id No, modification time DateModification; all fields: .*, Nom, /,
    /^ {2}– +memory +ok +a million clients take \d+ MiB; /,
    /^ {2}clients +topics +ok/,
    /^ {2}– +transaction +skipped +requires both topics and the rights of a stream$/,
    /^ {2}clients +checkpoint +ok +none yet; the stream will start at 2000-01-01T00:00:00 server time$/,
  ]) {
    expect(lines, String(pattern)).toContainEqual(expect.stringMatching(pattern))
  }
  for (const mark of plantedMarks) expect(doctor.output()).not.toContain(mark)
  const kafka = await testAdmin()
  expect((await kafka.listTopics()).filter((topic) => topic.startsWith(here.name))).toEqual([])
  expect(await checkpointObject(here.name).read()).toBeUndefined()
})

test('changes nothing while a replica is running, and does not disturb it', async () => {
  const here = await scene({ times: { run: { savePeriodMs: 3_600_000 } } })
  const kafka = await testAdmin()
  const connector = here.start(group)
  await connector.line(hasMessage('caught up'))
  await here.caughtUp() // a transaction ends a little later in the partitions than for its producer
  const offsets = async () => [
    await kafka.fetchTopicOffsets(here.name),
    await kafka.fetchTopicOffsets(`${here.name}.dlq`),
  ]
  const records = async () => await kafka.fetchOffsets({ groupId: `${here.name}.clients`, topics: [here.name] })
  const stored = async () => await checkpointObject(here.name).read()
  const before = [await offsets(), await records(), await stored()]

  const { exit, byCheck, findings } = await examined(here, group)
  expect(verdicts(findings, 'failed')).toEqual([])
  expect({ exit, skipped: verdicts(findings, 'skipped') }).toEqual({ exit: 0, skipped: [] })
  const detail = `${here.name}.doctor committed an offset for ${here.name}, and no record`
  expect(byCheck.transaction).toMatchObject({ stream: null, detail })
  expect(byCheck.rights?.detail).toContain(`transactional id ${here.name}.clients, group ${here.name}.clients`)
  expect(byCheck.checkpoint?.detail).toMatch(/^epoch 1, open on [\w-]+, claimed at \S+Z; next event number 200$/)

  expect([await offsets(), await records(), await stored()]).toEqual(before)
  for (let change = 0; change < 20; change += 1) here.simulator.change()
  expectExactlyOnce(here, await here.caughtUp())
  expect(await connector.status(({ epoch }) => epoch !== undefined)).toMatchObject({ epoch: 1, state: 'running' })
  expect(connector.lines().filter(({ msg }) => /lost|again|stopped/.test(msg))).toEqual([])
})

test('reports what is unavailable or rejects access, checks the rest, and finishes within its time limit', async () => {
  await using silent = await rawServer()
  const here = await scene()
  const withoutKafka = ['offsets retention', 'topics', 'rights', 'transaction']
  const withoutPage = [
    'layout',
    'second page',
    'interleaved scans',
    'fields',
    'client ids',
    'lists',
    'server clock',
    'time zone',
  ]
  const cases: [Record<string, string>, string, string, string[]][] = [
    [{ KAFKA_BROKERS: silent.address }, 'kafka', 'publish.failed', withoutKafka],
    [{ POLARIS_URL: 'http://127.0.0.1:9/' }, 'polaris', 'source.unreachable', withoutPage],
    [{ AWS_ENDPOINT_URL_S3: `http://${silent.address}` }, 'checkpoint store', 'storage.unavailable', ['checkpoint']],
  ]
  const found = await Promise.all(cases.map(([environment]) => examined(here, environment)))
  for (const [index, [environment, check, code, skipped]] of cases.entries()) {
    const { exit, findings, byCheck, tookMs } = found[index] ?? expect.fail()
    const what = JSON.stringify(environment)
    expect({ exit, failed: verdicts(findings, 'failed') }, what).toEqual({ exit: 1, failed: [check] })
    expect(byCheck[check], what).toMatchObject({ code, hint: expect.stringMatching(/\w/) })
    if (check === 'kafka') expect(byCheck[check]?.detail, what).toMatch(/127\.0\.0\.1:\d+|check host, port and TLS/)
    for (const one of skipped) expect(byCheck[one]?.verdict, `${what} ${one}`).toBe('skipped')
    expect(tookMs, what).toBeLessThan(40_000)
  }
})

test('checks each stream, or only the named one', async () => {
  const here = await scene()
  const file = configFile(`
streams:
  - { name: good, polaris: { url: "${here.simulator.url}", codeMagasin: 1, lastChanged: "2000-01-01" }, kafka: { topic: ${here.name}-good } }
  - { name: bad, polaris: { url: "http://127.0.0.1:9/", codeMagasin: 1, lastChanged: "2000-01-01" }, kafka: { topic: ${here.name}-bad } }
`)
  const environment = Object.fromEntries(
    Object.entries(here.environment).filter(([name]) => !/^(POLARIS|POLL|KAFKA_TOPIC)/.test(name)),
  )
  const doctor = async (...options: string[]) => {
    const started = startConnector(['doctor', '--config', file, ...options], environment)
    return [await started.exitCode(), started.output()] as const
  }
  const [exit, both] = await doctor()
  expect(exit).toBe(1)
  expect(both).toMatch(/^ {2}good +polaris +ok/m)
  expect(both).toMatch(/^ {2}bad +polaris +failed .*source\.unreachable/m)
  expect(both.match(/ transaction /g)).toHaveLength(1)
  expect((await doctor('good'))[0]).toBe(0)
  expect(await doctor('--save', join(tmpdir(), 'never-written'))).toEqual([
    2,
    expect.stringContaining('name one of the streams: good, bad'),
  ])
})
