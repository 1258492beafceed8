import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs'
import { expect, inject, it, onTestFinished } from 'vitest'
import type { Finding } from '../../connector/doctor/finding.ts'
import { checkpointObject } from '../support/checkpoint-object.ts'
import { type LogLine, startConnector } from '../support/connector-process.ts'
import { startKafka } from '../support/servers/kafka-broker.ts'
import { faults, plantedMarks } from '../support/servers/polaris-simulator.ts'
import { configFile, expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'

const says = (msg: string) => (line: LogLine) => line.msg === msg

/** What doctor finds, by check; `stream/check` for those of a stream. */
async function examined({ start }: Pick<Scene, 'start'>, environment: Record<string, string> = {}) {
  const began = performance.now()
  const doctor = start(environment, ['doctor', '--json'])
  const exit = await doctor.exitCode()
  const output = doctor.output()
  const { findings } = JSON.parse(output) as { findings: Finding[] }
  const byCheck = Object.fromEntries(findings.map((one) => [one.check, one]))
  return { exit, output, findings, byCheck, tookMs: performance.now() - began }
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

it('says in a line each what is fine before the first start, and creates nothing', async () => {
  const here = await scene()
  const doctor = here.start(group, ['doctor'])
  expect(await doctor.exitCode(), doctor.output()).toBe(0)
  const lines = doctor.output().split('\n')
  for (const pattern of [
    /^ok +kafka +cluster \S+, 1 broker$/,
    /^ok +placement +\S+\.slots does not exist yet: run creates it, if it may$/,
    /^ok +checkpoint store +its conditional writes hold$/,
    /^stream clients$/,
    /^ok +polaris +20 clients since 2000-01-01T00:00:00 \(xml, \d+ bytes, \d+ ms\), more to come$/,
    /^ok +fields +id No, modification time DateModification$/,
    /^ok +topic +\S+ does not exist yet: run creates it, with 6 partitions, if it may$/,
    /^skipped +transaction +the topic is needed$/,
    /^ok +checkpoint +none yet: the stream will begin at 2000-01-01T00:00:00$/,
    /^0 failed, 0 warning, 1 skipped, 13 ok$/,
  ]) {
    expect(lines, String(pattern)).toContainEqual(expect.stringMatching(pattern))
  }
  for (const mark of plantedMarks) expect(doctor.output()).not.toContain(mark)
  const kafka = await admin(inject('kafkaBrokers'))
  expect((await kafka.listTopics()).filter((topic) => topic.startsWith(here.name))).toEqual([])
  expect(await checkpointObject(here.name).read()).toBeUndefined()
})

it('moves nothing beside a running replica, which goes on undisturbed', async () => {
  const here = await scene({ yaml: 'checkpoint: { savePeriod: 1h }' })
  const kafka = await admin(inject('kafkaBrokers'))
  const connector = here.start(group)
  await connector.line(says('caught up'))
  await here.caughtUp() // a transaction ends a little later in the partitions than for its producer
  const offsets = async () => [
    await kafka.fetchTopicOffsets(here.name),
    await kafka.fetchTopicOffsets(`${here.name}.dlq`),
  ]
  const notes = async () => await kafka.fetchOffsets({ groupId: `${here.name}.clients`, topics: [here.name] })
  const stored = async () => [await checkpointObject(here.name).read(), await checkpointObject(here.name).probes()]
  const before = [await offsets(), await notes(), await stored()]

  const { exit, byCheck, findings } = await examined(here, group)
  expect(verdicts(findings, 'failed')).toEqual([])
  expect({ exit, skipped: verdicts(findings, 'skipped') }).toEqual({ exit: 0, skipped: [] })
  expect(byCheck.placement?.seen).toBe(`group ${here.name} with 1 replicas, 24 slots in ${here.name}.slots`)
  expect(byCheck.transaction?.seen).toBe(
    `${here.name}.doctor committed a note in group ${here.name}.doctor, and no record`,
  )
  expect(byCheck.topic?.seen).toContain('6 partitions, 1 copy, cleanup.policy compact')
  expect(byCheck.rights?.seen).toContain(
    `WRITE on transactional id ${here.name}.clients and ${here.name}, ${here.name}.dlq`,
  )
  expect(byCheck.checkpoint?.seen).toMatch(/^epoch 1, opened by \S+ at \S+; 200 events, goes on from 20/)

  expect([await offsets(), await notes(), await stored()]).toEqual(before)
  const own = await kafka.fetchOffsets({ groupId: `${here.name}.doctor`, topics: [here.name] })
  expect(own[0]?.partitions.find(({ partition }) => partition === 0)?.offset).toBe('0')
  for (let change = 0; change < 20; change += 1) here.simulator.change()
  expectExactlyOnce(here, await here.caughtUp())
  expect(await connector.status(({ epoch }) => epoch !== undefined)).toMatchObject({ epoch: 1, ready: true })
  expect(connector.lines().filter(({ msg }) => /lost|again|stopped/.test(msg))).toEqual([])
})

it('tells of what is down or refuses, judges the rest, and gives up within a quarter of a minute', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1') // accepts, and never answers
  onTestFinished(() => void silent.close())
  await once(silent, 'listening')
  const nobody = `127.0.0.1:${(silent.address() as AddressInfo).port}`
  const here = await scene()
  const withoutKafka = ['note retention', 'placement', 'topic', 'dead letters', 'rights', 'transaction']
  const cases: [Record<string, string>, string, string, string[]][] = [
    [{ KAFKA_BROKERS: '127.0.0.1:9' }, 'kafka', 'publish.unreachable', withoutKafka],
    [{ KAFKA_BROKERS: nobody }, 'kafka', 'publish.unreachable', withoutKafka],
    [{ POLARIS_URL: 'http://127.0.0.1:9/' }, 'polaris', 'source.unreachable', ['fields', 'server clock', 'time zone']],
    [{ POLARIS_URL: `http://${nobody}/` }, 'polaris', 'source.timeout', ['fields', 'server clock', 'time zone']],
    [{ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }, 'checkpoint store', 'storage.unavailable', ['checkpoint']],
    [{ AWS_ENDPOINT_URL_S3: `http://${nobody}` }, 'checkpoint store', 'storage.unavailable', ['checkpoint']],
    [{ CHECKPOINT_URL: 's3://no-such-bucket/x' }, 'checkpoint store', 'storage.refused', ['checkpoint']],
  ]
  const found = await Promise.all(cases.map(([environment]) => examined(here, environment)))
  for (const [index, [environment, check, code, skipped]] of cases.entries()) {
    const { exit, findings, byCheck, tookMs } = found[index] ?? expect.fail()
    const what = JSON.stringify(environment)
    expect({ exit, failed: verdicts(findings, 'failed') }, what).toEqual({ exit: 3, failed: [check] })
    expect(byCheck[check], what).toMatchObject({ code, cure: expect.stringMatching(/\w/) })
    for (const one of skipped) expect(byCheck[one]?.verdict, `${what} ${one}`).toBe('skipped')
    expect(tookMs, what).toBeLessThan(25_000)
  }
})

it('says what a refusing server means, and what a page makes doubtful', async () => {
  const here = await scene()
  here.simulator.faults.when(() => true, faults.status(403))
  expect((await examined(here)).byCheck.polaris).toMatchObject({
    ...{
      verdict: 'failed',
      code: 'source.forbidden',
      cure: expect.stringContaining('consultation des membres clients'),
    },
  })
  here.simulator.faults.clear()
  here.simulator.setDateHeader('absent')
  expect((await examined(here)).byCheck['server clock']).toMatchObject({ verdict: 'warning' })
  here.simulator.setDateHeader({ skewMs: -600_000 })
  expect((await examined(here)).byCheck['server clock']).toMatchObject({
    ...{ verdict: 'warning', seen: expect.stringMatching(/^60[01] s behind$/) },
  })
  const { exit, byCheck } = await examined(here, { POLARIS_CLIENT_ID_FIELD: 'Numero' })
  expect({ exit, fields: byCheck.fields }).toMatchObject({
    ...{ exit: 0, fields: { verdict: 'warning', cure: 'check POLARIS_CLIENT_ID_FIELD' } },
  })
})

it('tells of a topic that is missing or takes too little, and of a checkpoint that is not of this stream', async () => {
  const here = await scene({ yaml: 'kafka: { topics: { create: false } }' })
  const missing = await examined(here, group)
  expect(missing.exit).toBe(3)
  expect(verdicts(missing.findings, 'failed')).toEqual(['placement', 'topic', 'dead letters'])

  const kafka = await admin(inject('kafkaBrokers'))
  const small = [
    { name: 'max.message.bytes', value: '500000' },
    { name: 'cleanup.policy', value: 'delete' },
  ]
  await kafka.createTopics({
    topics: [
      { topic: here.name, configEntries: small },
      { topic: `${here.name}.dlq` },
      { topic: `${here.name}.slots`, numPartitions: 3 },
    ],
  })
  const little = await examined(here, group)
  expect(verdicts(little.findings, 'failed')).toEqual(['topic'])
  expect(little.byCheck.topic).toMatchObject({ code: 'publish.refused', seen: expect.stringContaining('500000') })
  expect(await here.start({}, ['poll-once']).exitCode()).toBe(0)
  const other = await examined(here, { POLARIS_CODE_MAGASIN: '2' })
  expect(other.byCheck.checkpoint).toMatchObject({ code: 'checkpoint.other-stream', verdict: 'failed' })
  await checkpointObject(here.name).write('{"format":1')
  expect((await examined(here)).byCheck.checkpoint).toMatchObject({ code: 'checkpoint.damaged' })
  await checkpointObject(here.name).remove()
  expect((await examined(here)).byCheck.checkpoint).toMatchObject({ code: 'checkpoint.missing' })
})

it('looks at each stream for itself, or at one', async () => {
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
  expect(exit).toBe(3)
  expect(both).toMatch(/stream good\nok +polaris (?:.*\n)*stream bad\nfailed +polaris +source\.unreachable/)
  expect((await doctor('--stream', 'good'))[0]).toBe(0)
  expect(await doctor('--stream', 'none')).toEqual([2, expect.stringContaining('--stream')])
})

it('tells every wrong setting and skips the rest: exit code 2', async () => {
  const here = await scene()
  const { exit, findings } = await examined(here, { POLL_INTERVAL: 'soon', KAFKA_BROKERS: 'x' })
  expect(exit).toBe(2)
  expect(findings.map(({ verdict, seen }) => `${verdict} ${seen}`)).toEqual([
    expect.stringContaining('failed KAFKA_BROKERS'),
    expect.stringContaining('failed POLL_INTERVAL'),
    'skipped a valid configuration is needed',
  ])
  expect(here.simulator.calls).toEqual([])
})

it('names every ACL that is missing, until there are all', async () => {
  const kafka = await startKafka({ secure: true })
  onTestFinished(() => kafka.close())
  const { secure } = kafka
  if (secure === undefined) throw new Error('no secure listener')
  const here = await scene({ brokers: { connector: secure.bootstrap, reader: kafka.bootstrap } })
  const operator = await admin(kafka.bootstrap)
  await operator.createTopics({
    topics: [{ topic: here.name }, { topic: `${here.name}.dlq` }, { topic: `${here.name}.slots` }],
  })
  const allow = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) =>
    operator.createAcls({
      acl: [
        {
          ...{ resourceType, resourceName, operation, host: '*', principal: `User:${secure.username}` },
          resourcePatternType: ResourcePatternTypes.LITERAL,
          permissionType: AclPermissionTypes.ALLOW,
        },
      ],
    })
  const environment = {
    ...group,
    KAFKA_SSL_CA: readFileSync(secure.certificates.authority, 'utf8'),
    ...{ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: secure.username, KAFKA_SASL_PASSWORD: secure.password },
  }
  const { READ, WRITE, DESCRIBE } = AclOperationTypes
  const { TOPIC, GROUP, TRANSACTIONAL_ID } = AclResourceTypes
  // The operator adds what doctor names, one after the other.
  const needed: [AclResourceTypes, string, string, AclOperationTypes][] = [
    [TOPIC, 'topic', here.name, DESCRIBE],
    [TOPIC, 'topic', `${here.name}.dlq`, DESCRIBE],
    [GROUP, 'group', here.name, READ],
    [TOPIC, 'topic', `${here.name}.slots`, DESCRIBE],
    [GROUP, 'group', `${here.name}.clients`, READ],
    [TRANSACTIONAL_ID, 'transactional id', `${here.name}.clients`, WRITE],
    [TOPIC, 'topic', here.name, WRITE],
    [TOPIC, 'topic', `${here.name}.dlq`, WRITE],
    [TRANSACTIONAL_ID, 'transactional id', `${here.name}.doctor`, WRITE],
    [GROUP, 'group', `${here.name}.doctor`, READ],
    [TOPIC, 'topic', here.name, READ],
  ]
  for (const [type, word, name, operation] of needed) {
    const { output, exit } = await examined(here, environment)
    expect(exit).toBe(3)
    expect(output).toContain(`${wordOf(operation)} on ${word} ${name} is missing`)
    await allow(type, name, operation)
  }
  const { exit, findings } = await examined(here, environment)
  expect(verdicts(findings, 'failed')).toEqual([])
  expect(exit).toBe(0)
})

const wordOf = (operation: AclOperationTypes) =>
  Object.entries(AclOperationTypes).find(([, value]) => value === operation)?.[0]
