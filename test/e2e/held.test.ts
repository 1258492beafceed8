import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { DEFAULT_ACCESS } from '../polaris/session.ts'
import { closingAfterAll } from '../support/closing.ts'
import { type ConnectorProcess, SHORT_PAUSES, says } from '../support/connector-process.ts'
import { naming, type SecureKafka, secureKafka, secureScene } from '../support/secure-scene.ts'
import { expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'

/** A client that changes before its history has shown that a field is a list would be published again as one. */
const quick = { ...SHORT_PAUSES, POLARIS_LIST_FIELDS: 'Cartes.Carte' }

const closing = closingAfterAll()
let kafka: SecureKafka
beforeAll(async () => {
  kafka = await secureKafka(closing)
})

const held = says('stream held, trying again slowly')
const resumes = says('stream resumes')

/** A stream that will be held until `fix` removes the cause. */
interface Held {
  readonly stage: Scene
  readonly connector: ConnectorProcess
  /** Expected fields of the log line about it. */
  readonly line: object
  fix(): Promise<unknown>
}

/** A file with a secret, as a kubelet mounts it. */
function secretFile(text: string): { readonly path: string; write(text: string): void } {
  const folder = mkdtempSync(join(tmpdir(), 'e2e-secret-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'password')
  const write = (content: string) => writeFileSync(path, `${content}\n`)
  write(text)
  return { path, write }
}

async function missingAcl(): Promise<Held> {
  const stage = await secureScene(kafka, { environment: quick })
  const missing = stage.acls.find(({ resource }) => resource === 'transactional id') ?? expect.fail()
  await stage.allow(stage.acls.filter((acl) => acl !== missing))
  const line = { code: 'publish.unauthorized', error: naming(missing) }
  return { stage, line, connector: stage.start(), fix: () => stage.allow([missing]) }
}

async function kafkaPassword(): Promise<Held> {
  const file = secretFile('wrong-Krznych')
  const environment = {
    ...quick,
    PLACEMENT: 'single',
    KAFKA_SASL_PASSWORD: '',
    KAFKA_SASL_PASSWORD_FILE: file.path,
  }
  const stage = await secureScene(kafka, { mechanism: 'scram-sha-512', environment })
  await stage.allow(stage.acls)
  const fix = async () => file.write(kafka.secure.password)
  return { stage, line: { code: 'publish.unauthorized' }, connector: stage.start(), fix }
}

async function polarisPassword(): Promise<Held> {
  const { user, password } = DEFAULT_ACCESS
  const file = secretFile(password)
  const stage = await scene({
    source: { clients: 40, access: { mode: 'cookie' } },
    environment: { ...quick, POLARIS_AUTH: 'login', POLARIS_USER: user, POLARIS_PASSWORD_FILE: file.path },
  })
  const connector = stage.start()
  await stage.caughtUp()
  stage.simulator.setAccess({ password: 'rotated-Krznych' })
  stage.simulator.expireSessions()
  return { stage, line: { code: 'source.unauthorized' }, connector, fix: async () => file.write('rotated-Krznych') }
}

test('tries a refused account again when its stream is resumed, with the password that was refused', async () => {
  const { user, password } = DEFAULT_ACCESS
  const stage = await scene({
    source: { clients: 40, access: { mode: 'cookie', password: 'other-Krznych' } },
    environment: { ...quick, POLARIS_AUTH: 'login', POLARIS_USER: user, POLARIS_PASSWORD: password },
  })
  const connector = stage.start()
  expect(await connector.line(held)).toMatchObject({ code: 'source.unauthorized' })
  stage.simulator.setAccess({ password })
  expect(await stage.start({}, ['resume']).exitCode()).toBe(0)
  await connector.line(resumes)
  expectExactlyOnce(stage, await stage.caughtUp())
  expect(stage.simulator.calls.filter((call) => call.function === 'ACL.Login')).toHaveLength(2)
  expect(await connector.stop()).toBe(0)
})

const causes: Readonly<Record<string, () => Promise<Held>>> = {
  'an ACL is missing': missingAcl,
  'the password of Kafka was rotated': kafkaPassword,
  'the password of Polaris was rotated': polarisPassword,
}

test('resumes a held stream without a restart once the cause is gone', async () => {
  const streams: (Held & { cause: string })[] = []
  for (const [cause, make] of Object.entries(causes)) streams.push({ cause, ...(await make()) })
  for (const { cause, connector, line, fix } of streams) {
    expect(await connector.line(held), cause).toMatchObject({ level: 'error', ...line })
    const { status, body } = await connector.get('/readyz')
    expect(status, cause).toBe(503)
    const report = { state: 'held', why: 'held', hint: expect.any(String) }
    expect(JSON.parse(body).streams[0], cause).toMatchObject(report)
    await fix()
  }
  for (const { cause, stage, connector } of streams) {
    await connector.line(resumes, 150_000).catch((error: Error) => {
      throw new Error(`${cause}: ${error.message}`)
    })
    stage.simulator.change()
    expectExactlyOnce(stage, await stage.caughtUp())
    expect(connector.lines().filter(held), cause).toHaveLength(1)
    expect((await connector.get('/readyz')).status, cause).toBe(200)
    expect(await connector.stop(), cause).toBe(0)
  }
})
