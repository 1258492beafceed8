import { expect, inject, onTestFinished, test, vi } from 'vitest'
import type { auditStream } from '../../../connector/inspect/audit/audit-stream.ts'
import { faults, type PolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { testKafka } from '../../support/committed-records.ts'
import { type LogLine, says } from '../../support/connector-process.ts'
import { expectNothingPersonal } from '../../support/nothing-personal.ts'
import { type Scene, scene } from '../../support/stream-scene.ts'

// The command compares a real topic with the source, beside a replica or without one.

const isCaughtUp = ({ msg }: LogLine) => msg === 'caught up'

/** Runs `audit`; resolves to its exit code, its JSON and all that it prints. */
async function audit({ start }: Pick<Scene, 'start'>, args: readonly string[] = [], more: Record<string, string> = {}) {
  const started = start(more, ['audit', '--json', ...args])
  const exit = await started.exitCode()
  const printed = started.printed()
  const json: Awaited<ReturnType<typeof auditStream>>['report'] | undefined =
    printed === '' ? undefined : JSON.parse(printed)
  return { exit, output: started.output(), json }
}

/** What `audit` prints as text. */
async function auditText({ start }: Pick<Scene, 'start'>, ...args: readonly string[]) {
  const started = start({}, ['audit', ...args])
  return { exit: await started.exitCode(), text: started.printed(), output: started.output() }
}

/** A stream that has read its history, and whose replica has stopped. */
async function stopped(options: Parameters<typeof scene>[0] = {}): Promise<Scene> {
  const stage = await scene(options)
  const replica = stage.start()
  await replica.line(isCaughtUp)
  expect(await replica.stop(), replica.output()).toBe(0)
  return stage
}

test('agrees beside a running replica while clients change, exits with 0, and prints nothing of a client', async () => {
  // A replica on a busy machine publishes within three of its scans what changed.
  const stage = await scene({ environment: { POLL_INTERVAL: '4s' } })
  const { simulator, start } = stage
  const replica = start()
  await replica.line(isCaughtUp)
  const stopChanges = changing(simulator)
  const [{ exit, output, json }, text] = await Promise.all([audit(stage), auditText(stage)])
  stopChanges()
  expect(exit, output).toBe(0)
  expect(json).toMatchObject({ agree: true, clients: { source: 200, topic: 200, deadLetters: 0 } })
  expect(json).not.toHaveProperty('ids')
  expect(text).toMatchObject({ exit: 0, text: expect.stringMatching(/^stream: clients\nagree: true$/m) })
  expectNothingPersonal([output, text.output])
  for (const id of simulator.clientIds) expect(text.output + output).not.toContain(id)
  expect(replica.lines().filter(says('stream lost to another replica'))).toEqual([])
})

/** Changes clients, one after another, until the returned function is called. */
function changing({ clientIds, change }: PolarisSimulator): () => void {
  let turn = 0
  const timer = setInterval(() => {
    turn += 1
    change(clientIds[turn % clientIds.length])
  }, 20)
  return () => clearInterval(timer)
}

test('names the clients that are gone only with --ids, and removes them, unless they are too many or a rewind waits', async () => {
  const stage = await stopped()
  const { simulator, records } = stage
  const [first = '', second = '', third = ''] = simulator.clientIds
  simulator.remove([first, second])
  const remove = (count: string) => audit(stage, ['--remove-gone', count])
  const tombstones = async () => (await records()).filter(({ text }) => text === '')
  const gone = await auditText(stage, '--ids', 'gone')
  expect(gone.exit).toBe(1)
  expect(gone.text.trim().split('\n').toSorted()).toEqual([first, second].toSorted())
  expect(await remove('1')).toMatchObject({ exit: 1, json: { removal: { kind: 'unchanged' } } })
  expect(await tombstones()).toEqual([])
  const removed = await remove('2')
  expect(removed).toMatchObject({ exit: 0, json: { differences: { gone: 2 }, removal: { kind: 'done' } } })
  for (const id of [first, second]) expect(removed.output).not.toContain(id)
  const erased = await tombstones()
  expect(new Set(erased.map(({ key }) => key))).toEqual(new Set([first, second]))
  expect(new Set(erased.map(({ headers }) => headers.ce_type))).toEqual(new Set(['client.removed']))
  // No replica has applied the rewind of the last removal.
  simulator.remove([third])
  expect(await remove('5')).toMatchObject({ exit: 1, json: { removal: { kind: 'unchanged' } } })
  expect(await tombstones()).toHaveLength(erased.length)
})

test('exits with 3 when Polaris is unavailable, or when it is stopped before the end; needs no checkpoint store', async () => {
  const stage = await stopped({ times: { polaris: { retry: { firstPauseMs: 10 } } } })
  const [polaris, store] = await Promise.all([
    audit(stage, [], { POLARIS_URL: 'http://127.0.0.1:9/' }),
    audit(stage, [], { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }),
  ])
  expect(polaris).toMatchObject({ exit: 3, output: expect.stringContaining('source.unreachable') })
  expect(store).toMatchObject({ exit: 0, json: { agree: true } })

  const { simulator, start } = stage
  simulator.faults.when(() => true, faults.latency(300))
  const started = start({}, ['audit'])
  const calls = simulator.calls.length
  await vi.waitFor(() => expect(simulator.calls.length).toBeGreaterThan(calls + 1), { timeout: 120_000 })
  expect(await started.stop()).toBe(3)
  expect(started.printed()).toBe('')
  expect(started.output()).toContain('stopped before the end')
})

test('proves an erasure only if no dead letter has the client, with its key, inside, or where it cannot be read', async () => {
  const stage = await stopped()
  const { name } = stage
  const producer = testKafka(inject('kafkaBrokers')).producer()
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  const nothing = await audit(stage, ['--client', 'unknown'])
  expect(nothing).toMatchObject({ exit: 0, json: { client: { isNothingLeft: true, records: [] } } })

  const letter = async (value: string) => {
    await producer.send({ topic: `${name}.dlq`, messages: [{ key: null, value }] })
    return await audit(stage, ['--client', 'unknown'])
  }
  const included = await letter('{"code":"client-id-missing","contentHash":"h","client":{"Ancien":{"No":"unknown"}}}')
  expect(included).toMatchObject({
    exit: 1,
    json: { client: { isNothingLeft: false, records: [{ kind: 'dead-letter', topic: `${name}.dlq` }] } },
  })
  expect((await letter('cut of')).json?.client?.records.map(({ kind }) => kind)).toEqual(['dead-letter', 'unreadable'])
  expect(await audit(stage)).toMatchObject({ exit: 0, json: { agree: true } })
})
