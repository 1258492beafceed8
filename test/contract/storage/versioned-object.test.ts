import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { changeWishes, parseWishes } from '../../../connector/checkpoint/wishes.ts'
import { openCheckpointStore } from '../../../connector/compose/shared-resources.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { type CloseStack, closeStack } from '../../../connector/runtime/close-stack.ts'
import type { CheckpointStore, Version, VersionedObject } from '../../../connector/storage/checkpoint-store.ts'
import { checkpointKey, type S3Settings, wishesKey } from '../../../connector/storage/checkpoint-store-config.ts'
import { type FakeS3Options, startFakeS3 } from '../../support/fakes/fake-s3-server.ts'
import { memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { never } from '../../support/signals.ts'

const parts = { clock: systemClock, onRetry: () => undefined }

/** Opens the same place repeatedly, as several replicas do. */
type Place = (closing: CloseStack) => Promise<() => CheckpointStore>

const s3Place = (url: string, s3: S3Settings) => () => openCheckpointStore({ url, s3 }, parts)

const inMemory: Place = async () => {
  const store = memoryStore()
  return () => store
}

const inFiles: Place = async (closing) => {
  const directory = closing.use(mkdtempSync(join(tmpdir(), 'checkpoints-')), (path) =>
    rmSync(path, { recursive: true }),
  )
  return s3Place(`file:${directory}/created/by/the/store`, {})
}

const onFakeS3 =
  (options: FakeS3Options): Place =>
  async (closing) => {
    const fake = closing.use(await startFakeS3(options), (server) => server.close())
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
    return s3Place('s3://bucket/some/prefix', { endpoint: fake.endpoint, credentials })
  }

const onRealS3: Place = async () => {
  const { endpoint, region, bucket, ...credentials } = inject('s3')
  return s3Place(`s3://${bucket}/${randomUUID()}`, { endpoint, region, credentials })
}

const places: [string, Place, { rounds: number; writers: number }][] = [
  ['memory', inMemory, { rounds: 5, writers: 8 }],
  ['files', inFiles, { rounds: 25, writers: 8 }],
  ['a fake S3 as AWS', onFakeS3({ etags: 'aws' }), { rounds: 5, writers: 8 }],
  ['a fake S3 as Ceph', onFakeS3({ etags: 'ceph' }), { rounds: 5, writers: 8 }],
  ['a real S3 server', onRealS3, { rounds: 25, writers: 8 }],
]

describe.each(places)('a versioned object in %s', (_name, place, { rounds, writers }) => {
  let closing: CloseStack
  let open: () => Promise<CheckpointStore>
  let key: string

  beforeEach(async () => {
    closing = closeStack()
    const openPlace = await place(closing)
    open = async () => {
      const store = closing.use(openPlace(), (opened) => opened.close())
      await store.probe(never)
      return store
    }
    key = checkpointKey('connector', randomUUID())
  })
  afterEach(() => closing.close())

  const written = async (object: VersionedObject, text: string, expected: Version | null) => {
    const outcome = await object.write(text, expected, never)
    if (outcome.kind !== 'written') throw new Error('unexpected conflict')
    return outcome.version
  }

  test('reads as undefined before it is written', async () => {
    expect(await (await open()).object(key).read(never)).toBeUndefined()
  })

  test('is read back verbatim, at the version that the write returned, also by another replica', async () => {
    const text = JSON.stringify({ nonce: 'é \u{1f9fe}  \\u0000 "quoted"', filler: 'ÿ'.repeat(500_000) })
    const version = await written((await open()).object(key), text, null)
    const other = await (await open()).object(key).read(never)
    expect(other?.version).toBe(version)
    expect(other?.text === text).toBe(true)
  })

  test('reports a conflict and changes nothing when it is created a second time', async () => {
    const object = (await open()).object(key)
    const version = await written(object, 'first', null)
    expect(await object.write('second', null, never)).toEqual({ kind: 'conflict' })
    expect(await object.read(never)).toEqual({ text: 'first', version })
  })

  test('reports a conflict and changes nothing when the expected version is old', async () => {
    const object = (await open()).object(key)
    const first = await written(object, 'first', null)
    const second = await written(object, 'second', first)
    expect(second).not.toBe(first)
    expect(await object.write('third', first, never)).toEqual({ kind: 'conflict' })
    expect(await object.read(never)).toEqual({ text: 'second', version: second })
  })

  test('reports the same version when the same write is repeated', async () => {
    const object = (await open()).object(key)
    const first = await written(object, 'first', null)
    expect(await object.write('first', null, never)).toEqual({ kind: 'written', version: first })
    const second = await written(object, 'second', first)
    expect(await object.write('second', first, never)).toEqual({ kind: 'written', version: second })
    expect(await object.write('first', null, never)).toEqual({ kind: 'conflict' })
  })

  test('accepts writes after many versions', async () => {
    const object = (await open()).object(key)
    let version = await written(object, 'version 0', null)
    for (let count = 1; count <= 30; count += 1) version = await written(object, `version ${count}`, version)
    expect(await object.read(never)).toEqual({ text: 'version 30', version })
  })

  test('is not created when the write expects a version', async () => {
    const store = await open()
    const version = await written(store.object(`${key}-other.json`), 'other', null)
    expect(await store.object(key).write('text', version, never)).toEqual({ kind: 'conflict' })
    expect(await store.object(key).read(never)).toBeUndefined()
  })

  test('is written by exactly one replica when several create it at the same time', async () => {
    const replicas = await Promise.all(Array.from({ length: writers }, open))
    for (let round = 0; round < rounds; round += 1) {
      const roundKey = checkpointKey(`round-${round}`, randomUUID())
      await expectOneWinner(
        replicas.map((replica) => replica.object(roundKey)),
        null,
      )
    }
  })

  test('is written by exactly one replica when several update it at the same time', async () => {
    const objects = (await Promise.all(Array.from({ length: writers }, open))).map((replica) => replica.object(key))
    let version = await written(objects[0] as VersionedObject, 'beginning', null)
    for (let round = 0; round < rounds; round += 1) version = await expectOneWinner(objects, version)
  })

  const expectOneWinner = async (objects: VersionedObject[], expected: Version | null): Promise<Version> => {
    const texts = objects.map((_object, index) => JSON.stringify({ writer: index, nonce: randomUUID() }))
    const outcomes = await Promise.all(
      objects.map((object, index) => object.write(texts[index] ?? '', expected, never)),
    )
    const winners = outcomes.flatMap((outcome, index) => (outcome.kind === 'written' ? [{ ...outcome, index }] : []))
    expect(winners).toHaveLength(1)
    const stored = await objects[0]?.read(never)
    expect(stored).toEqual({ text: texts[winners[0]?.index ?? -1], version: winners[0]?.version })
    return winners[0]?.version as Version
  }

  test('loses no update when several replicas increment a counter in it', async () => {
    const counters = Array.from({ length: 4 }, async () => {
      const object = (await open()).object(key)
      for (let counted = 0; counted < 10; ) {
        const now = await object.read(never)
        const count = now === undefined ? 0 : Number(JSON.parse(now.text).count)
        const text = JSON.stringify({ count: count + 1, nonce: randomUUID() })
        if ((await object.write(text, now?.version ?? null, never)).kind === 'written') counted += 1
      }
    })
    await Promise.all(counters)
    const last = await (await open()).object(key).read(never)
    expect(JSON.parse(last?.text ?? '{}').count).toBe(40)
  })

  test('as wishes, keeps what several operators want at the same time', async () => {
    const object = wishesKey(key)
    const rewind = { id: 'rewind', to: null, republish: false, yes: null }
    const changes = [{ paused: true }, { rewind }, { reason: 'test' }]
    const change = async (wanted: (typeof changes)[number]) => {
      const parts = { object: (await open()).object(object), newNonce: randomUUID, by: 'operator', now: () => 1 }
      await changeWishes(parts, () => wanted, never)
    }
    await Promise.all(changes.map(change))
    const stored = await (await open()).object(object).read(never)
    expect(parseWishes(stored?.text ?? '')).toMatchObject({ paused: true, rewind, reason: 'test' })
  })

  test('rejects with the reason of finish when it has already aborted', async () => {
    const object = (await open()).object(key)
    const reason = new Error('enough')
    await expect(object.read(AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(object.write('text', null, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(await object.read(never)).toBeUndefined()
  })
})
