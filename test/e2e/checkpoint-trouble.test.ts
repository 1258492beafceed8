import { expect, test } from 'vitest'
import type { CheckpointDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { streamNames } from '../../connector/publish/event-publisher.ts'
import { checkpointObject } from '../support/checkpoint-object.ts'
import { type ConnectorProcess, says } from '../support/connector-process.ts'
import { replicaScene } from '../support/replica-scene.ts'
import { expectExactlyOnce, testAdmin } from '../support/stream-scene.ts'

// One connector has a stream for each trouble; the documents are spoiled while it is stopped, and cured while it runs.

const resumes = says('stream resumes')

const edited = (change: (document: CheckpointDocument) => void) => (text: string) => {
  const document: CheckpointDocument = JSON.parse(text)
  change(document)
  return JSON.stringify(document)
}

/** The document says that one transaction more was committed. */
const decidedLater = (document: CheckpointDocument) =>
  Object.assign(document, {
    committed: { ...document.committed, seq: document.committed.seq + 1, expectsRecord: true },
  })

/** A transaction was prepared when its replica ended. */
function prepared(document: CheckpointDocument): void {
  const { epoch, seq, at, state } = document.committed
  const { index, ...reached } = state
  const pending = { epoch, seq: seq + 1, nonce: 'prepared', at, change: { ...reached, entries: '' } }
  Object.assign(document, { committed: { ...document.committed, expectsRecord: true }, pending })
}

/** A rule of the bucket deleted a segment. */
function withSegment({ committed }: CheckpointDocument): void {
  const lost = { name: 'lost', tier: 0, from: 0, to: 1, entries: 1, hasUnknown: false, sha256: 'x' }
  Object.assign(committed.state.index, { segments: [lost] })
}

/** As the runbook says. `restore`: the right document is put back. */
type Cure = 'restore' | 'begin again' | 'decide'

interface Trouble {
  readonly code: string
  readonly cure: Cure
  /** The new text of the document; undefined: it is deleted. `older` is an earlier valid text. */
  make(text: string, older: string): string | undefined
  /** Whether the group with the commit record is deleted, too. */
  readonly isGroupDeleted?: true
}

/** What may happen to the document of a stream. */
const troubles: Record<string, Trouble> = {
  deleted: { code: 'checkpoint.damaged', cure: 'begin again', make: () => undefined },
  'cut-off': { code: 'checkpoint.damaged', cure: 'restore', make: (text) => text.slice(0, text.length / 2) },
  'rolled-back': { code: 'checkpoint.rolled-back', cure: 'begin again', make: (_, older) => older },
  'unknown-format': {
    code: 'checkpoint.unknown-format',
    cure: 'restore',
    make: edited((document) => Object.assign(document, { format: 1 })),
  },
  'other-stream': {
    code: 'checkpoint.other-stream',
    cure: 'restore',
    make: edited((document) => Object.assign(document, { stream: 'x' })),
  },
  'other-topic': {
    code: 'checkpoint.topic-lost',
    cure: 'begin again',
    make: edited(({ destination }) => Object.assign(destination, { topic: 'x' })),
  },
  'events-lost': { code: 'checkpoint.events-lost', cure: 'begin again', make: edited(decidedLater) },
  undecided: { code: 'checkpoint.undecided', cure: 'decide', isGroupDeleted: true, make: edited(prepared) },
  'topic-in-use': {
    code: 'checkpoint.topic-in-use',
    cure: 'begin again',
    isGroupDeleted: true,
    make: () => undefined,
  },
  'segment-lost': { code: 'checkpoint.index-damaged', cure: 'begin again', make: edited(withSegment) },
}
const names = [...Object.keys(troubles), 'good']

/** A connector with a stream for each trouble, and one without any. */
async function stageOfAll() {
  const stage = await replicaScene(names, { clients: 40 })
  const { simulator, untilPublished } = stage
  return {
    ...stage,
    start: (...args: readonly string[]) => stage.start(args, { PLACEMENT: 'single' }),
    objectOf: (stream: string) => checkpointObject(stage.name, stream),
    /**
     * Changes some clients, and waits until these streams have published the changes, each once. Resolves to the records
     * of the streams that have published all clients again.
     */
    publishChanges: async (streams: readonly string[], republished: readonly string[] = []) => {
      for (let change = 0; change < 5; change += 1) simulator.change()
      const once = streams.filter((stream) => !republished.includes(stream))
      for (const records of await Promise.all(once.map((stream) => untilPublished(stream))))
        expectExactlyOnce({ simulator }, records)
      // Its history is read beside the live scans: the changes alone do not say that it has ended.
      const all = 2 * simulator.clientIds.length
      return await Promise.all(republished.map((stream) => untilPublished(stream, all)))
    },
  }
}

type Stage = Awaited<ReturnType<typeof stageOfAll>>

test('holds only the stream whose checkpoint is of no use, leaves it unchanged, and goes on after the cure of the runbook', async () => {
  const { name: connector, start, objectOf, publishChanges, simulator } = await stageOfAll()
  const first = start('run')
  await publishChanges(names)
  const older = await textsOf(objectOf)
  await publishChanges(names)
  expect(await first.stop()).toBe(0)
  const good = await textsOf(objectOf)
  await applyTroubles({ connector, objectOf, good, older })

  const second = start('run')
  await publishChanges(['good'])
  const before = new Map(await storedOf(objectOf))
  for (const [stream, { code }] of Object.entries(troubles)) {
    const held = await second.line((line) => line.level === 'error' && line.stream === stream)
    expect(held).toMatchObject({ msg: 'stream held, trying again slowly', code, hint: expect.any(String) })
  }
  await expectReportedByReadyz(second)
  await publishChanges(['good'])
  for (const stream of Object.keys(troubles)) {
    const now = await objectOf(stream).read()
    expect(now?.text, stream).toBe(troubles[stream]?.make(good.get(stream) ?? '', older.get(stream) ?? ''))
    expect(now?.etag, stream).toBe(before.get(stream)?.etag)
  }

  await Promise.all(
    Object.entries(troubles).map(([stream, { cure }]) => cures[cure]({ start, objectOf, good, stream })),
  )
  for (const stream of Object.keys(troubles))
    await second.line((line) => resumes(line) && line.stream === stream, 150_000)
  const republished = Object.keys(troubles).filter((stream) => troubles[stream]?.cure === 'begin again')
  for (const records of await publishChanges(names, republished))
    expect(records.length).toBeGreaterThanOrEqual(2 * simulator.clientIds.length)
  expect((await second.get('/readyz')).status).toBe(200)
  expect(await second.stop()).toBe(0)
})

interface Curing extends Pick<Stage, 'start' | 'objectOf'> {
  readonly good: ReadonlyMap<string, string>
  readonly stream: string
}

const rewind = async ({ start, stream }: Curing, ...args: readonly string[]) => {
  const command = start('checkpoint', 'rewind', stream, '--to', 'beginning', '--yes', ...args)
  expect(await command.exitCode(), command.output()).toBe(0)
}

const cures: Record<Cure, (curing: Curing) => Promise<unknown>> = {
  restore: async ({ start, objectOf, good, stream }) => {
    await objectOf(stream).write(good.get(stream) ?? '')
    const command = start('resume', stream)
    expect(await command.exitCode(), command.output()).toBe(0)
  },
  'begin again': (curing) => rewind(curing, '--republish'),
  decide: (curing) => rewind(curing),
}

const storedOf = (objectOf: Stage['objectOf']) =>
  Promise.all(
    names.map(async (name) => [name, (await objectOf(name).read()) ?? { text: '', etag: undefined }] as const),
  )

async function textsOf(objectOf: Stage['objectOf']): Promise<Map<string, string>> {
  return new Map((await storedOf(objectOf)).map(([name, { text }]) => [name, text]))
}

async function applyTroubles({
  connector,
  objectOf,
  good,
  older,
}: Pick<Stage, 'objectOf'> & { readonly connector: string } & Record<
    'good' | 'older',
    Map<string, string>
  >): Promise<void> {
  for (const [stream, { make }] of Object.entries(troubles)) {
    const text = make(good.get(stream) ?? '', older.get(stream) ?? '')
    if (text === undefined) await objectOf(stream).remove()
    else await objectOf(stream).write(text)
  }
  const deleted = Object.keys(troubles).filter((stream) => troubles[stream]?.isGroupDeleted)
  const admin = await testAdmin()
  await admin.deleteGroups(deleted.map((stream) => streamNames(connector, stream).recordGroup))
}

async function expectReportedByReadyz(connector: ConnectorProcess): Promise<void> {
  const { status, body } = await connector.get('/readyz')
  expect(status).toBe(503)
  const { streams } = JSON.parse(body) as { streams: { stream: string; hint?: string }[] }
  for (const report of streams) {
    const code = troubles[report.stream]?.code
    if (code === undefined) expect(report).toMatchObject({ state: 'running' })
    else expect(report).toMatchObject({ why: 'held', state: 'held', code, hint: expect.stringMatching(/\w+ \w+/) })
  }
}
