import { beforeAll, expect, test } from 'vitest'
import { closingAfterAll } from '../support/closing.ts'
import { type LogLine, says } from '../support/connector-process.ts'
import { naming, type SecureKafka, secureKafka, secureScene } from '../support/secure-scene.ts'
import { expectExactlyOnce, untilCaughtUp } from '../support/stream-scene.ts'

// The built connector runs on a broker that denies what no ACL allows.

const closing = closingAfterAll()
let kafka: SecureKafka
beforeAll(async () => {
  kafka = await secureKafka(closing)
})

const caughtUp = says('caught up')
const isOutOfGroup = says('cannot join the consumer group, retrying: running streams continue, none are added')

test('with exactly the documented ACLs, two replicas run and take over, and every command works', async () => {
  const stage = await secureScene(kafka, { mechanism: 'scram-sha-512' })
  await stage.allow(stage.acls)
  const command = async (...args: string[]) => {
    const done = stage.start({}, args)
    expect(await done.exitCode(), done.output()).toBe(0)
    return done.printed()
  }
  const first = stage.start()
  await first.line(caughtUp)
  const second = stage.start()
  await second.line(says('standing by: no stream is assigned to this replica'))
  expect(await first.stop()).toBe(0)
  await second.line(says('stream claimed'))
  stage.simulator.change()
  expectExactlyOnce(stage, await stage.caughtUp())
  expect(await second.stop()).toBe(0)

  expect(JSON.parse(await command('checkpoint', 'show', 'clients', '--json'))).toMatchObject({ epoch: 2 })
  await command('doctor')
  stage.simulator.change()
  await command(...untilCaughtUp)
  expectExactlyOnce(stage, await stage.caughtUp())
  expect(await command('checkpoint', 'show', 'clients')).toContain('epoch: 3')
})

test('audit needs only READ on the events topic and the dead-letter topic', async () => {
  const stage = await secureScene(kafka)
  await stage.allow(stage.acls)
  const polled = stage.start({}, untilCaughtUp)
  expect(await polled.exitCode(), polled.output()).toBe(0)
  const topics = [stage.name, `${stage.name}.dlq`]
  const others = stage.acls.filter(({ name, operation }) => !topics.includes(name) || operation !== 'READ')
  expect(others).toHaveLength(stage.acls.length - 3) // also READ on the group of the name of the stream
  for (const acl of others) await stage.disallow(acl)
  await stage.disallow({ resource: 'group', name: stage.name, operation: 'READ' })
  const audited = stage.start({}, ['audit', '--json'])
  expect(await audited.exitCode(), audited.output()).toBe(0)
  expect(JSON.parse(audited.printed())).toMatchObject({ agree: true, clients: { topic: 60 } })
})

test('keeps the stream running when a group ACL is revoked, and rejoins without a restart when it is granted again', async () => {
  const stage = await secureScene(kafka)
  await stage.allow(stage.acls)
  const missing = stage.acls.find(({ name, resource }) => name === stage.name && resource === 'group') ?? expect.fail()
  const replica = stage.start()
  await replica.line(caughtUp)
  await stage.disallow(missing)
  // At the start, a busy broker may still be loading the group.
  const isDenied = (line: LogLine) => isOutOfGroup(line) && String(line.error).includes(' on group ')
  expect(await replica.line(isDenied)).toMatchObject({ code: 'publish.unauthorized', error: naming(missing) })
  stage.simulator.change()
  expectExactlyOnce(stage, await stage.caughtUp())
  await stage.allow([missing])
  await replica.line(says('rejoined the consumer group'))
  expect(replica.lines().filter(({ msg }) => /claimed$/.test(msg))).toHaveLength(1)
  expect(await replica.stop()).toBe(0)
})

test('creates its topics itself when it has CREATE on them', async () => {
  const stage = await secureScene(kafka, { topics: 'missing' })
  await stage.allow(stage.acls)
  const first = stage.start()
  expect(await first.line(isOutOfGroup)).toMatchObject({ error: expect.stringContaining('the ACL CREATE on topic') })
  expect((await first.get('/readyz')).status).toBe(503)
  const topics = stage.acls.filter(({ resource, operation }) => resource === 'topic' && operation !== 'READ')
  await stage.allow(topics.map((acl) => ({ ...acl, operation: 'CREATE' })))
  expectExactlyOnce(stage, await stage.caughtUp())
  expect(await first.stop()).toBe(0)
})
