import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CheckpointStore, Version, VersionedObject } from '../../../connector/storage/checkpoint-store.ts'
import { checkpointKey } from '../../../connector/storage/checkpoint-store-config.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { never } from '../../support/signals.ts'
import { storePlaces } from '../../support/store-places.ts'

// One suite runs in memory, in a directory, and on a real S3 server.

const closing = closingAfterEach()
const writers = 8
const rounds = 25

describe.each(storePlaces)('a versioned object in %s', (_name, place) => {
  let open: () => Promise<CheckpointStore>
  let key: string

  beforeEach(() => {
    const openPlace = place(closing)
    open = async () => {
      const store = closing.use(openPlace(), (opened) => opened.close())
      await store.probe(never)
      return store
    }
    key = checkpointKey('connector', randomUUID())
  })

  const written = async (object: VersionedObject, text: string, expected: Version | null) => {
    const outcome = await object.write(text, expected, never)
    if (outcome.kind !== 'written') throw new Error('unexpected conflict')
    return outcome.version
  }

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

  test('rejects with the reason of finish when it has already aborted', async () => {
    const object = (await open()).object(key)
    const reason = new Error('enough')
    await expect(object.read(AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(object.write('text', null, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(await object.read(never)).toBeUndefined()
  })
})
