import { expect, inject, it, onTestFinished, vi } from 'vitest'
import { auditShape } from '../../../connector/commands/output/audit-output.ts'
import { eventSource } from '../../../connector/event/client-event.ts'
import { clientTable, entriesIn } from '../../../connector/index/client-table.ts'
import {
  type ClientKey,
  type ContentKey,
  clientKey,
  type IndexEntry,
  keyText,
} from '../../../connector/index/index-entry.ts'
import { deltaText } from '../../../connector/index/index-state.ts'
import { loadTable } from '../../../connector/index/load-table.ts'
import { partitionOf } from '../../../connector/publish/partitioner.ts'
import { faults, type PolarisSimulator, startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { checkpointObject, storedSegments } from '../../support/checkpoint-object.ts'
import { testKafka } from '../../support/committed-records.ts'
import type { LogLine } from '../../support/connector-process.ts'
import { createTopics } from '../../support/create-topics.ts'
import { expectNothingPersonal } from '../../support/nothing-personal.ts'
import { setPaused } from '../../support/paused-stream.ts'
import { never } from '../../support/signals.ts'
import { type Scene, scene, untilCaughtUp } from '../../support/stream-scene.ts'

const isCaughtUp = ({ msg }: LogLine) => msg === 'caught up'
const noDifferences = {
  ...{ notPublished: 0, outdated: 0, gone: 0 },
  ...{ notInTopic: 0, topicDiffers: 0, notInIndex: 0, notErased: 0, foreign: 0 },
}

/** An audit waits for a replica that may not have saved its last scan yet; here, no replica runs. */
const soonSaved = { run: { savePeriodMs: 1_000 } }

/** Runs the audit; resolves to its exit code, its JSON and its text on standard error. */
async function audit({ start }: Pick<Scene, 'start'>, more: Record<string, string> = {}, args: readonly string[] = []) {
  const started = start(more, ['audit', '--json', ...args])
  const exit = await started.exitCode()
  const printed = started.printed()
  return { exit, output: started.output(), json: printed === '' ? undefined : auditShape.parse(JSON.parse(printed)) }
}

/** A stream that has read its history, and whose replica has stopped. */
async function stopped(options: Parameters<typeof scene>[0] = {}): Promise<Scene> {
  const stage = await scene(options)
  const polled = stage.start({}, untilCaughtUp)
  expect(await polled.exitCode(), polled.output()).toBe(0)
  return stage
}

it('agrees beside a running replica while clients change, exits with 0, and prints nothing of a client', async () => {
  const stage = await scene()
  const { simulator, start } = stage
  const replica = start()
  await replica.line(isCaughtUp)
  await stage.caughtUp()
  const [erased = ''] = simulator.clientIds
  const erase = start({}, ['erase', 'clients', '--client', erased, '--reason', 'requested'])
  expect(await erase.exitCode(), erase.output()).toBe(0)
  const stopChanges = changingOthers(simulator)
  const { exit, output, json } = await audit(stage)
  stopChanges()
  expect(exit, output).toBe(0)
  expect(json).toMatchObject({ agree: true, clients: { source: 200, index: 200, topic: 199 }, topicKeeps: 'kept' })
  expect(json?.exceptions).toMatchObject({ erased: 1, notComparable: 0, onlyInIndex: 0 })
  expect(json?.differences).toEqual(noDifferences)
  expect(json).not.toHaveProperty('ids')
  const text = start({}, ['audit', '--record'])
  expect(await text.exitCode(), text.output()).toBe(0)
  expect(text.printed()).toMatch(
    /^stream clients: source, index and topic agree \(\d.*\)\n\nIN +CLIENTS\nsource +200\n/,
  )
  expectNothingPersonal([output, text.output()])
  for (const id of simulator.clientIds) expect(text.output() + output).not.toContain(id)
  const metrics = async () => (await replica.get('/metrics')).body
  await expect
    .poll(metrics, { timeout: 15_000 })
    .toMatch(/^polaris_connector_audit_differences\{stream="clients",.*\} 0$/m)
  expect(replica.isRunning()).toBe(true)
  expect(replica.lines().filter(({ msg }) => msg === 'stream lost to another replica')).toEqual([])
})

/** Changes all clients but the first, one after another, until the returned function is called. */
function changingOthers({ clientIds, change }: PolarisSimulator): () => void {
  let turn = 0
  const timer = setInterval(() => {
    turn += 1
    change(clientIds[1 + (turn % (clientIds.length - 1))])
  }, 20)
  return () => clearInterval(timer)
}

/** Replaces the stored client index by an edited one. No replica may run. */
async function editIndex(name: string, edited: (entries: Map<ClientKey, IndexEntry>) => void): Promise<void> {
  const object = checkpointObject(name)
  const document = await object.document()
  const { index } = document.committed.state
  const entries = new Map(entriesIn(await loadTable(storedSegments(name), index, never)))
  edited(entries)
  const table = clientTable()
  for (const [key, entry] of entries) table.set(key, entry)
  Object.assign(index, { segments: [], delta: [...table.partitions()].map(deltaText).join('') })
  await object.write(`${JSON.stringify(document)}\n`)
}

const PARTITIONS = 6

/** Writes a record to the topic of a stream as a foreign producer. */
async function produce(
  topic: string,
  key: string,
  value: string | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const producer = testKafka(inject('kafkaBrokers')).producer()
  await producer.connect()
  const partition = partitionOf(Buffer.from(key), PARTITIONS)
  await producer.send({ topic, messages: [{ key, value, headers, partition }] })
  await producer.disconnect()
}

/** The same clients without the last ones, as in a database from which they were deleted. */
async function withoutLast(simulator: PolarisSimulator, clients: number, at: readonly [number, number]) {
  const left = simulator.clientIds.length - clients
  const other = await startPolarisSimulator({ clients: left, modifiedBetween: at })
  onTestFinished(() => other.close())
  return { POLARIS_URL: other.url }
}

it('finds each kind of difference, names the clients only with --ids, and exits with 1', async () => {
  const at = [Date.UTC(2024, 0, 1), Date.UTC(2024, 0, 1)] as const
  const stage = await stopped({
    source: { modifiedBetween: at },
    times: soonSaved,
    environment: { POLL_MAX_INTERVAL: '200ms' },
  })
  const { simulator, name } = stage
  const [unindexed = '', edited = '', deleted = '', erased = ''] = simulator.clientIds
  const [other = '', gone = ''] = simulator.clientIds.slice(-2)
  const elsewhere = await withoutLast(simulator, 2, at)
  await editIndex(name, (entries) => {
    entries.delete(clientKey(unindexed))
    for (const [id, change] of [
      [edited, { content: keyText(1, 2) as ContentKey }],
      [erased, { mark: 'withdrawn' }],
    ] as const) {
      const entry = entries.get(clientKey(id))
      if (entry !== undefined) entries.set(clientKey(id), { ...entry, ...change })
    }
  })
  await produce(name, deleted, null)
  const replaced = simulator.clientIds[4] ?? ''
  await produce(name, replaced, '{"other":"program"}')
  const event = { source: eventSource(name, 'clients'), subject: 'unknown', sequence: '00000000000000000007' }
  await produce(name, 'unknown', JSON.stringify(event), { 'content-type': 'application/cloudevents+json' })

  const { exit, output, json } = await audit(stage, elsewhere, ['--ids'])
  expect(exit, output).toBe(1)
  expect(json).toMatchObject({
    ...{ agree: false, clients: { source: 198, index: 199, topic: 199 } },
    differences: {
      notPublished: 1,
      outdated: 1,
      gone: 2,
      notInTopic: 1,
      topicDiffers: 1,
      notInIndex: 2,
      notErased: 1,
      foreign: 1,
    },
    exceptions: { changedMeanwhile: 0, erased: 1 },
  })
  expect(json?.ids).toEqual({
    ...{ notPublished: [unindexed], outdated: [edited], gone: expect.arrayContaining([other, gone]) },
    ...{ notInTopic: [deleted], topicDiffers: [edited], notErased: [erased], foreign: [replaced] },
    notInIndex: expect.arrayContaining([unindexed, 'unknown']),
    missing: [],
  })
  const text = stage.start(elsewhere, ['audit'])
  expect(await text.exitCode()).toBe(1)
  expect(text.printed()).toMatch(/^stream clients: 10 differences/)
  expect(text.printed()).toMatch(/^published by the index, but not in the topic +1$/m)
  for (const id of [unindexed, edited, deleted, erased, gone]) expect(text.output()).not.toContain(id)
  expectNothingPersonal([text.output()])

  // The documented cures; only `erase` can delete the foreign client.
  await setPaused(stage.name, 'paused')
  for (const command of [
    'checkpoint rebuild-index --yes',
    'checkpoint reset --republish --yes',
    'run --until-caught-up',
  ]) {
    if (command === 'run --until-caught-up') await setPaused(stage.name, 'running')
    const started = stage.start({}, command.split(' '))
    expect(await started.exitCode(), started.output()).toBe(0)
  }
  const after = await audit(stage)
  expect(after.json?.differences, after.output).toEqual({ ...noDifferences, gone: 1 })
})

it('waits until the running replica has published what it found in the source first', async () => {
  // The audit must have started before the replica polls again.
  const stage = await scene({ environment: { POLL_INTERVAL: '12s' } })
  const { simulator, start } = stage
  await start().line(isCaughtUp)
  await stage.caughtUp()
  const early = simulator.calls.length
  await vi.waitFor(() => expect(simulator.calls.length).toBeGreaterThan(early), { timeout: 20_000 })
  simulator.add(3)
  for (const id of simulator.clientIds.slice(0, 5)) simulator.change(id)
  const { exit, output, json } = await audit(stage)
  expect(exit, output).toBe(0)
  expect(json).toMatchObject({
    agree: true,
    differences: noDifferences,
    clients: { source: 203, index: 203, topic: 200 },
    exceptions: { changedMeanwhile: 8 },
  })
  expect(output).toContain('waiting until the running replica publishes what differs')
})

it('requires a checkpoint whose backfill is done, and a paused stream where the server mixes up scans', async () => {
  const stage = await scene()
  const { name, start } = stage
  const before = await audit(stage)
  expect(before).toMatchObject({ exit: 2, output: expect.stringContaining('the stream has none yet') })
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  const object = checkpointObject(name)
  const withScans = async (scans: object) => {
    const document = await object.document()
    Object.assign(document.committed.state.scans, scans)
    await object.write(`${JSON.stringify(document)}\n`)
    return await audit(stage)
  }
  expect(await withScans({ backfill: 'due' })).toMatchObject({ exit: 2, output: expect.stringContaining('backfill') })
  const serial = { backfill: 'done', interleaving: 'serial' }
  expect(await withScans(serial)).toMatchObject({ exit: 2, output: expect.stringContaining('pause the stream first') })
  const pause = start({}, ['pause', 'clients', '--reason', 'audit'])
  await vi.waitFor(() => expect(pause.output()).toContain('requested'), { timeout: 10_000 })
  expect(await audit(stage)).toMatchObject({ exit: 0, json: { agree: true } })
  expect(await audit({ start: (_, args) => start({}, [...(args ?? []), '--stream', 'other']) })).toMatchObject({
    exit: 2,
  })
})

it('exits with 3 when Polaris, Kafka or S3 is unavailable', async () => {
  const times = {
    checkpoint: { callWithinMs: 2_000, s3: { connectWithinMs: 500, answerWithinMs: 1_000 } },
    polaris: { retry: { firstPauseMs: 10 } },
  }
  const stage = await stopped({ times })
  const unavailable: [Record<string, string>, string][] = [
    [{ POLARIS_URL: 'http://127.0.0.1:9/' }, 'source.unreachable'],
    [{ KAFKA_BROKERS: '127.0.0.1:9' }, 'publish.unreachable'],
    [{ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }, 'storage.unavailable'],
  ]
  await Promise.all(
    unavailable.map(async ([environment, code]) =>
      expect(await audit(stage, environment)).toMatchObject({ exit: 3, output: expect.stringContaining(code) }),
    ),
  )
})

it('exits with 4 when a segment of the client index is missing', async () => {
  const stage = await stopped({ source: { clients: 2_000 } })
  expect(await checkpointObject(stage.name).removeSegments()).toBeGreaterThan(0)
  const output = expect.stringContaining('checkpoint.index-missing')
  expect(await audit(stage)).toMatchObject({ exit: 1, output })
})

it('exits with 3 when it is stopped before the end', async () => {
  const { simulator, start } = await stopped()
  simulator.faults.when(() => true, faults.latency(300))
  const started = start({}, ['audit'])
  await vi.waitFor(() => expect(started.output()).toContain('reading the source'), { timeout: 20_000 })
  expect(await started.stop()).toBe(3)
  expect(started.printed()).toBe('')
  expect(started.output()).toContain('stopped before the end')
})

it('does not count events as missing that Kafka may delete', async () => {
  const admin = testKafka(inject('kafkaBrokers')).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  const stage = await scene()
  const { name, start } = stage
  const configEntries = [{ name: 'cleanup.policy', value: 'delete' }]
  await createTopics(admin, [{ topic: name, numPartitions: PARTITIONS, configEntries }])
  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  const [first] = await admin.fetchTopicOffsets(name)
  const partitions = [{ partition: first?.partition ?? 0, offset: '5' }]
  await admin.deleteTopicRecords({ topic: name, partitions })
  // Transaction markers have offsets too.
  const kept = (await stage.records()).length
  expect(kept).toBeLessThan(200)
  const { exit, output, json } = await audit(stage)
  expect(exit, output).toBe(0)
  expect(json).toMatchObject({ agree: true, topicKeeps: 'expires', clients: { topic: kept } })
  expect(json?.differences).toEqual({ ...noDifferences, notInTopic: 200 - kept })
  const text = start({}, ['audit'])
  expect(await text.exitCode()).toBe(0)
  expect(text.printed()).toContain('note: Kafka deletes old events of this topic')

  await setPaused(stage.name, 'paused')
  for (const command of ['checkpoint rebuild-index --yes', 'checkpoint reset --yes', 'run --until-caught-up']) {
    if (command === 'run --until-caught-up') await setPaused(stage.name, 'running')
    const started = start({}, command.split(' '))
    expect(await started.exitCode(), started.output()).toBe(0)
  }
  expect((await audit(stage)).json).toMatchObject({ differences: noDifferences, clients: { topic: 200 } })
  expect(await stage.records()).toHaveLength(200)
})
