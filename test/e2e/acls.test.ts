import type { Admin } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { testKafka } from '../support/committed-records.ts'
import type { ConnectorProcess, LogLine } from '../support/connector-process.ts'
import { type Acl, allow, disallow, documentedAcls } from '../support/kafka-acls.ts'
import { type KafkaCluster, startKafka } from '../support/servers/kafka-broker.ts'
import { expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'

const closing = closeStack()
let kafka: KafkaCluster
let admin: Admin
beforeAll(async () => {
  kafka = closing.use(await startKafka({ secure: true }), (cluster) => cluster.close())
  admin = closing.use(testKafka(kafka.bootstrap).admin(), (client) => client.disconnect())
  await admin.connect()
})
afterAll(() => closing.close())

const says = (msg: string) => (line: LogLine) => line.msg === msg
const caughtUp = says('caught up')
const isStopped = says('stream stopped, an operator is needed')
const isOutOfGroup = says('not in the group, trying again: running streams go on, no other is taken')

interface SecureScene extends Scene {
  /** What is documented. */
  readonly acls: readonly Acl[]
  allow(acls: readonly Acl[]): Promise<void>
  disallow(acl: Acl): Promise<void>
}

/** A connector that signs in as a user who may do nothing yet. */
async function secureScene({
  mechanism = 'plain',
  topics = 'there',
}: {
  mechanism?: 'plain' | 'scram-sha-512'
  topics?: 'there' | 'missing'
} = {}): Promise<SecureScene> {
  const { secure } = kafka
  if (secure === undefined) throw new Error('no secure listener')
  const { username, password, certificates } = secure
  const made = await scene({
    source: { clients: 60 },
    environment: {
      ...{ PLACEMENT: 'group', KAFKA_SSL_CA: certificates.authority, KAFKA_SASL_MECHANISM: mechanism },
      ...{ KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password },
    },
    brokers: { connector: secure.bootstrap, reader: kafka.bootstrap },
  })
  const { name } = made
  const wanted = [
    { topic: name, numPartitions: 2 },
    { topic: `${name}.dlq` },
    { topic: `${name}.slots`, numPartitions: 24 },
  ]
  if (topics === 'there') await admin.createTopics({ topics: wanted, waitForLeaders: true })
  const principal = `User:${username}`
  return {
    ...made,
    acls: documentedAcls({ connector: name, stream: 'clients', topic: name }),
    allow: (acls) => allow(admin, principal, acls),
    disallow: (acl) => disallow(admin, principal, acl),
  }
}

const readiness = async (connector: ConnectorProcess) => {
  const { status, body } = await connector.get('/readyz')
  return { status, ...JSON.parse(body) }
}

/** The error names what is missing as the documentation does. */
const naming = ({ resource, name, operation }: Acl) =>
  expect.stringMatching(
    new RegExp(`: the ACL ${operation}( \\(.*\\))? on ${resource} ${name.replaceAll('.', '\\.')} is missing$`),
  )

it('with exactly the ACLs that are documented two replicas run and take over, and every command works', async () => {
  const stage = await secureScene({ mechanism: 'scram-sha-512' })
  await stage.allow(stage.acls)
  const command = async (...args: string[]) => {
    const done = stage.start({}, args)
    expect(await done.exitCode(), done.output()).toBe(0)
    return done.output()
  }
  const first = stage.start()
  await first.line(caughtUp)
  const second = stage.start()
  await second.line(says('standing by: no stream is assigned to this replica'))
  expect(JSON.parse(await command('replicas', '--json'))).toMatchObject({
    group: { state: 'Stable', slots: 24, members: [{}, {}] },
    streams: [{ stream: 'clients', claim: { epoch: 1 } }],
  })
  expect(await first.stop()).toBe(0)
  await second.line(says('stream claimed'))
  stage.simulator.change()
  expectExactlyOnce(stage, await stage.caughtUp())
  expect(await second.stop()).toBe(0)

  expect(JSON.parse(await command('checkpoint', 'show'))).toMatchObject({ claim: { epoch: 2 } })
  stage.simulator.change()
  await command('poll-once')
  expectExactlyOnce(stage, await stage.caughtUp())
  expect(await command('checkpoint', 'set', '--last-changed', '2001-02-03', '--yes')).toContain('"epoch":4')
})

const rows = documentedAcls({ connector: '<connector>', stream: '<stream>', topic: 'client.modified' }).map(
  (acl, at) => ({
    ...acl,
    at,
  }),
)
const isOfPlacement = ({ name }: Acl) => name === '<connector>' || name === '<connector>.slots'

async function sceneWithout(at: number) {
  const stage = await secureScene()
  const [missing] = stage.acls.slice(at)
  if (missing === undefined) throw new Error('no such row')
  await stage.allow(stage.acls.toSpliced(at, 1))
  return { stage, missing }
}

it('seven ACLs are documented, two of them for the placement', () => {
  expect(rows).toHaveLength(7)
  expect(rows.filter(isOfPlacement)).toHaveLength(2)
})

it.each(rows.filter((row) => !isOfPlacement(row)))(
  'without $operation on $resource $name the stream stops and says so; with it and a restart it runs',
  async ({ at }) => {
    const { stage, missing } = await sceneWithout(at)
    const first = stage.start()
    expect(await first.line(isStopped)).toMatchObject({ code: 'publish.unauthorized', error: naming(missing) })
    expect(await readiness(first)).toMatchObject({
      status: 503,
      streams: [{ state: 'stopped', code: 'publish.unauthorized', hint: expect.stringContaining('ACLs') }],
    })
    expect(await first.stop()).toBe(0)
    await stage.allow([missing])
    const second = stage.start()
    expectExactlyOnce(stage, await stage.caughtUp())
    expect(await second.stop()).toBe(0)
  },
)

it.each(rows.filter(isOfPlacement))(
  'without $operation on $resource $name the replica is not ready, says why once, and joins by itself when it may',
  async ({ at }) => {
    const { stage, missing } = await sceneWithout(at)
    const replica = stage.start()
    const said = { level: 'error', code: 'publish.unauthorized', error: naming(missing) }
    expect(await replica.line(isOutOfGroup)).toMatchObject(said)
    expect(await readiness(replica)).toMatchObject({
      status: 503,
      placement: { state: 'broken', code: 'publish.unauthorized', hint: expect.stringContaining('ACLs') },
    })
    await stage.allow([missing])
    await replica.line(says('in the group again'))
    expectExactlyOnce(stage, await stage.caughtUp())
    expect(replica.lines().filter(isOutOfGroup)).toHaveLength(1)
    expect((await readiness(replica)).status).toBe(200)
    expect(await replica.stop()).toBe(0)
  },
)

it('a group ACL that is taken away leaves the running stream alone, and comes back without a restart', async () => {
  const { stage, missing } = await sceneWithout(rows.findIndex(({ name }) => name === '<connector>'))
  await stage.allow([missing])
  const replica = stage.start()
  await replica.line(caughtUp)
  await stage.disallow(missing)
  expect(await replica.line(isOutOfGroup)).toMatchObject({ code: 'publish.unauthorized', error: naming(missing) })
  stage.simulator.change()
  expectExactlyOnce(stage, await stage.caughtUp())
  await stage.allow([missing])
  await replica.line(says('in the group again'))
  expect(replica.lines().filter(({ msg }) => /claimed$/.test(msg))).toHaveLength(1)
  expect(await replica.stop()).toBe(0)
})

it('with CREATE on its topics the connector makes them itself', async () => {
  const stage = await secureScene({ topics: 'missing' })
  await stage.allow(stage.acls)
  const first = stage.start()
  expect(await first.line(isOutOfGroup)).toMatchObject({ error: expect.stringContaining('(to create it: CREATE)') })
  const topics = stage.acls.filter(({ resource, operation }) => resource === 'topic' && operation !== 'READ')
  await stage.allow(topics.map((acl) => ({ ...acl, operation: 'CREATE' })))
  expectExactlyOnce(stage, await stage.caughtUp())
  expect(await first.stop()).toBe(0)
})
