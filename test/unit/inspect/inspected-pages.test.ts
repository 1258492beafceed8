import { expect, test } from 'vitest'
import { inspectedPages, knownMapping } from '../../../connector/inspect/inspected-pages.ts'
import type { ReadArguments, SourceTime } from '../../../connector/source/client-source.ts'
import type { VersionedObject } from '../../../connector/storage/checkpoint-store.ts'
import { never } from '../../support/signals.ts'
import { pageOf, token } from '../pipeline/readings.ts'
import { scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { stage } from '../stream/open/open-parts.ts'

// A scripted source answers, and the clock passes only while the reader waits.

test('reads the history with its tokens, as run does, and no live scan', async () => {
  const source = scriptedSource([...scanOf(2), ...scanOf(1, 3)])
  const parts = { ...stage().pipelineParts.readerParts, source, beginAt: '2020-02-02T00:00:00' as SourceTime }
  const ids: unknown[] = []
  for await (const { clients } of inspectedPages(parts, never)) ids.push(...clients.map(({ id }) => id))
  expect(ids).toEqual(['1', '2'])
  expect(source.asked.map(({ checkPoint }) => checkPoint)).toEqual([null, 't1'])
})

test('reads on when the history waits to ask for an empty last page again, while live pages are empty', async () => {
  const { readerParts } = stage().pipelineParts
  const beginAt = '2020-02-02T00:00:00' as SourceTime
  let passedMs = 0
  const sleep = async (ms: number) => {
    passedMs += ms
  }
  const clock = { ...readerParts.clock, sleep, monotonic: () => passedMs }
  const read = async ({ lastChanged, checkPoint }: ReadArguments) => {
    if (lastChanged !== beginAt) return pageOf([])
    if (checkPoint === null) return pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: token('t') })
    return passedMs < 30_000 ? pageOf([]) : pageOf([{ No: '2' }])
  }
  const ids: unknown[] = []
  for await (const { clients } of inspectedPages({ ...readerParts, beginAt, clock, source: { read } }, never))
    ids.push(...clients.map(({ id }) => id))
  expect(ids).toEqual(['1', '2'])
})

test('what the checkpoint knows is nothing where there is none, where it is damaged, and where the store fails', async () => {
  const on = stage()
  const known = (read: VersionedObject['read']) => knownMapping({ ...on.openParts.object, read }, never)
  expect(await known(on.openParts.object.read)).toBeNull()
  expect(await known(async () => ({ text: 'damaged', version: '1' as never }))).toBeNull()
  expect(await known(() => Promise.reject(new Error('no answer')))).toBeNull()
})
