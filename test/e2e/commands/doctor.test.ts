import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { expect, inject, it, onTestFinished } from 'vitest'
import type { Finding } from '../../../connector/inspect/doctor/finding.ts'
import { faults, plantedMarks } from '../../polaris/polaris-simulator.ts'
import { checkpointObject } from '../../support/checkpoint-object.ts'
import { type LogLine, shortTimes, startConnector } from '../../support/connector-process.ts'
import { createTopics } from '../../support/create-topics.ts'
import { aclsIn, allow } from '../../support/documentation/kafka-acls.ts'
import { startKafka } from '../../support/servers/kafka-broker.ts'
import { configFile, expectExactlyOnce, type Scene, scene, untilCaughtUp } from '../../support/stream-scene.ts'

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

async function admin(brokers: string): Promise<Admin> {
  const made = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
  await made.connect()
  onTestFinished(() => made.disconnect())
  return made
}

const group = { PLACEMENT: 'group' }

it('prints one row per check before the first start, and creates nothing', async () => {
  const here = await scene()
  const doctor = here.start(group, ['doctor'])
  expect(await doctor.exitCode(), doctor.output()).toBe(0)
  const lines = doctor.output().split('\n')
  for (const pattern of [
    /^ {2}STREAM +CHECK +VERDICT +DETAIL$/,
    /^ {2}– +kafka +ok +cluster \S+, brokers: 1$/,
    /^ {2}– +checkpoint store +ok +supports conditional writes; a trial segment was written, listed and deleted$/,
    /^ {2}clients +polaris +ok/,
    /^ {2}clients +second page +ok +20 clients$/,
    /^ {2}clients +interleaved scans +ok +the second page is the same after pages of another scan$/,
    /^ {6}detail: Cartes: lists in events once run has found them; to configure: listFields: \["Cartes"\]$/,
    /^ {2}clients +fields +ok$/,
    /^ {6}detail: id No, modification time DateModification; all fields: .*, Nom, /,
    /^ {2}– +memory +ok +a million clients take \d+ MiB; /,
    /^ {2}clients +topics +ok/,
    /^ {2}clients +transaction +skipped +requires both topics and the rights of the stream$/,
    /^ {2}clients +checkpoint +ok +none yet; the stream will start at 2000-01-01T00:00:00 server time$/,
  ]) {
    expect(lines, String(pattern)).toContainEqual(expect.stringMatching(pattern))
  }
  for (const mark of plantedMarks) expect(doctor.output()).not.toContain(mark)
  const kafka = await admin(inject('kafkaBrokers'))
  expect((await kafka.listTopics()).filter((topic) => topic.startsWith(here.name))).toEqual([])
  expect(await checkpointObject(here.name).read()).toBeUndefined()
})

it('changes nothing while a replica is running, and does not disturb it', async () => {
  const here = await scene({ times: { run: { savePeriodMs: 3_600_000 } } })
  const kafka = await admin(inject('kafkaBrokers'))
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
  expect(byCheck.transaction?.detail).toBe(`${here.name}.doctor committed an offset for ${here.name}, and no record`)
  expect(byCheck.rights?.detail).toContain(`transactional id ${here.name}.clients, group ${here.name}.clients`)
  expect(byCheck.checkpoint?.detail).toMatch(/^epoch 1, open on [\w-]+, claimed at \S+Z; 200 events$/)

  expect([await offsets(), await records(), await stored()]).toEqual(before)
  for (let change = 0; change < 20; change += 1) here.simulator.change()
  expectExactlyOnce(here, await here.caughtUp())
  expect(await connector.status(({ epoch }) => epoch !== undefined)).toMatchObject({ epoch: 1, state: 'running' })
  expect(connector.lines().filter(({ msg }) => /lost|again|stopped/.test(msg))).toEqual([])
})

/** The address of a server that accepts connections, but never answers. */
async function silentServer(): Promise<string> {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await once(silent, 'listening')
  return `127.0.0.1:${(silent.address() as AddressInfo).port}`
}

it('reports what is unavailable or rejects access, checks the rest, and finishes within its time limit', async () => {
  const silentAddress = await silentServer()
  const here = await scene()
  const withoutKafka = ['offsets retention', 'topics', 'rights', 'transaction']
  const withoutPage = ['second page', 'interleaved scans', 'fields', 'lists', 'server clock', 'time zone']
  const cases: [Record<string, string>, string, string, string[]][] = [
    [{ KAFKA_BROKERS: '127.0.0.1:9' }, 'kafka', 'publish.failed', withoutKafka],
    [{ KAFKA_BROKERS: silentAddress }, 'kafka', 'publish.failed', withoutKafka],
    [{ KAFKA_SSL: 'true' }, 'kafka', 'publish.failed', withoutKafka],
    [{ POLARIS_URL: 'http://127.0.0.1:9/' }, 'polaris', 'source.unreachable', withoutPage],
    [{ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }, 'checkpoint store', 'storage.unavailable', ['checkpoint']],
    [{ AWS_ENDPOINT_URL_S3: `http://${silentAddress}` }, 'checkpoint store', 'storage.unavailable', ['checkpoint']],
    [{ CHECKPOINT_URL: 's3://no-such-bucket/x' }, 'checkpoint store', 'storage.refused', ['checkpoint']],
  ]
  const found = await Promise.all(cases.map(([environment]) => examined(here, environment)))
  for (const [index, [environment, check, code, skipped]] of cases.entries()) {
    const { exit, findings, byCheck, tookMs } = found[index] ?? expect.fail()
    const what = JSON.stringify(environment)
    expect({ exit, failed: verdicts(findings, 'failed') }, what).toEqual({ exit: 1, failed: [check] })
    expect(byCheck[check], what).toMatchObject({ code, hint: expect.stringMatching(/\w/) })
    if (check === 'kafka') expect(byCheck[check]?.detail, what).toMatch(/127\.0\.0\.1:\d+|check host, port and TLS/)
    for (const one of skipped) expect(byCheck[one]?.verdict, `${what} ${one}`).toBe('skipped')
    expect(tookMs, what).toBeLessThan(25_000)
  }
})

it('explains a rejecting server, and warns about a suspicious page', async () => {
  const here = await scene()
  here.simulator.faults.when(() => true, faults.status(403))
  expect((await examined(here)).byCheck.polaris).toMatchObject({
    ...{
      verdict: 'failed',
      code: 'source.forbidden',
      hint: expect.stringContaining('consultation des membres clients'),
    },
  })
  here.simulator.faults.clear()
  here.simulator.setDateHeader('absent')
  expect((await examined(here)).byCheck['server clock']).toMatchObject({ verdict: 'warning' })
  here.simulator.setDateHeader(-600_000)
  expect((await examined(here)).byCheck['server clock']).toMatchObject({
    ...{ verdict: 'warning', detail: expect.stringMatching(/^60[01] s behind$/) },
  })
  const { exit, byCheck } = await examined(here, { POLARIS_CLIENT_ID_FIELD: 'Numero' })
  expect({ exit, fields: byCheck.fields }).toMatchObject({
    ...{ exit: 1, fields: { verdict: 'failed', code: 'source.mapping' } },
  })
})

it('reports a topic that is missing, and a checkpoint of another stream', async () => {
  const here = await scene({ yaml: 'kafka: { topics: { create: false } }' })
  const missing = await examined(here, group)
  expect(missing.exit).toBe(1)
  expect(verdicts(missing.findings, 'failed')).toEqual(['topics'])
  expect(missing.byCheck.topics?.hint).toContain('create the topic, or set `kafka.topics.create: true`')

  const kafka = await admin(inject('kafkaBrokers'))
  await createTopics(kafka, [{ topic: here.name }, { topic: `${here.name}.dlq` }])
  expect(verdicts((await examined(here, group)).findings, 'failed')).toEqual([])
  expect(await here.start({}, untilCaughtUp).exitCode()).toBe(0)
  const other = await examined(here, { POLARIS_CODE_MAGASIN: '2' })
  expect(other.byCheck.checkpoint).toMatchObject({ code: 'checkpoint.other-stream', verdict: 'failed' })
  const moved = await examined(here, { KAFKA_TOPIC: `${here.name}.other` })
  expect(moved.exit).toBe(1)
  expect(moved.byCheck.checkpoint).toMatchObject({ code: 'checkpoint.topic-lost', verdict: 'failed' })
  await checkpointObject(here.name).write('{"format":1')
  expect((await examined(here)).byCheck.checkpoint).toMatchObject({ code: 'checkpoint.damaged' })
  await checkpointObject(here.name).remove()
  expect((await examined(here)).byCheck.checkpoint).toMatchObject({ code: 'checkpoint.damaged' })
})

it('checks each stream, or only the named one', async () => {
  const here = await scene()
  const file = configFile(`
streams:
  - { name: good, polaris: { url: "${here.simulator.url}", codeMagasin: 1, lastChanged: "2000-01-01" }, kafka: { topic: ${here.name}-good } }
  - { name: bad, polaris: { url: "http://127.0.0.1:9/", codeMagasin: 1, lastChanged: "2000-01-01" }, kafka: { topic: ${here.name}-bad } }
  - { name: slow, polaris: { url: "http://${await silentServer()}/", codeMagasin: 1, lastChanged: "2000-01-01" }, kafka: { topic: ${here.name}-slow } }
`)
  const environment = Object.fromEntries(
    Object.entries(here.environment).filter(([name]) => !/^(POLARIS|POLL|KAFKA_TOPIC)/.test(name)),
  )
  const doctor = async (...options: string[]) => {
    const times = shortTimes({ polaris: { timeouts: { answerMs: 2_000 } } })
    const started = startConnector(['doctor', '--config', file, ...options], { ...environment, ...times })
    return [await started.exitCode(), started.output()] as const
  }
  const [exit, both] = await doctor()
  expect(exit).toBe(1)
  expect(both).toMatch(/^ {2}good +polaris +ok/m)
  expect(both).toMatch(/^ {2}bad +polaris +failed .*source\.unreachable/m)
  expect(both).toMatch(/^ {2}slow +polaris +failed .*source\.unreachable/m)
  expect((await doctor('good'))[0]).toBe(0)
  expect(await doctor('none')).toEqual([
    2,
    expect.stringContaining('unknown stream none; must be one of good, bad, slow'),
  ])
})

it('reports every invalid setting, connects to nothing, and exits with 2', async () => {
  const here = await scene()
  const { exit, findings } = await examined(here, { POLL_INTERVAL: 'soon', KAFKA_BROKERS: 'x' })
  expect(exit).toBe(2)
  expect(findings.map(({ verdict, detail }) => `${verdict} ${detail}`)).toEqual([
    expect.stringContaining('failed kafka.brokers[0] (KAFKA_BROKERS)'),
    expect.stringContaining('failed streams[0].poll.interval (POLL_INTERVAL)'),
  ])
  expect(here.simulator.calls).toEqual([])
})

it('names a missing ACL for each check, prints all ACLs that are needed, and these are enough', async () => {
  const kafka = await startKafka({ secure: true })
  onTestFinished(() => kafka.close())
  const { secure } = kafka
  if (secure === undefined) throw new Error('no secure listener')
  const here = await scene({ brokers: { connector: secure.bootstrap, reader: kafka.bootstrap } })
  const operator = await admin(kafka.bootstrap)
  const environment = {
    ...group,
    KAFKA_SSL_CA: readFileSync(secure.certificates.authority, 'utf8'),
    ...{ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: secure.username, KAFKA_SASL_PASSWORD: secure.password },
  }
  const { exit, byCheck } = await examined(here, environment)
  expect(exit).toBe(1)
  for (const [check, acl] of [
    ['topics', `WRITE on topic ${here.name}`],
    ['rights', `READ on group ${here.name}`],
  ] as const)
    expect(byCheck[check]).toMatchObject({
      code: 'publish.unauthorized',
      detail: expect.stringContaining(`ACL ${acl} is`),
    })
  expect(byCheck.checkpoint?.verdict).toBe('warning')

  const printed = here.start(environment, ['doctor', '--acls', '--json'])
  expect(await printed.exitCode(), printed.output()).toBe(0)
  const commands: readonly string[] = JSON.parse(printed.printed())
  const shown = here.start(environment, ['doctor'])
  expect(await shown.exitCode()).toBe(1)
  for (const command of commands) expect(shown.printed()).toContain(`\n  ${command}\n`)
  const acls = aclsIn(commands.join('\n'))
  await allow(operator, `User:${secure.username}`, acls)
  const granted = await examined(here, environment)
  expect(granted.exit, granted.output).toBe(0)
  expect(verdicts(granted.findings, 'warning')).toEqual([])
  expect(granted.byCheck.topics?.detail).toContain('run creates each with 6 partitions')
  expect(await operator.listTopics()).not.toContain(here.name)
  const connector = here.start(environment)
  await connector.line(hasMessage('caught up'))
  expect(await connector.stop()).toBe(0)
})
