import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { type ClientKey, type ContentKey, ENTRY_WORDS, keyText, writeEntry } from '../../connector/index/index-entry.ts'
import type { SegmentReference } from '../../connector/index/index-state.ts'
import { MAX_SEGMENT_ENTRIES, segmentBytes, segmentHash, sortedEntries } from '../../connector/index/segment.ts'
import type { SegmentStore } from '../../connector/storage/segment-store.ts'
import { checkpointObject, storedSegments } from '../support/checkpoint-object.ts'
import type { LogLine } from '../support/connector-process.ts'
import { never } from '../support/signals.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const MILLION = 1_000_000
const claimed = ({ msg }: LogLine) => msg === 'stream claimed'

/** Stores segments with this many clients that the source does not have. */
async function putOtherClients(store: SegmentStore, clients: number): Promise<SegmentReference[]> {
  const words = new Uint32Array(randomBytes(clients * ENTRY_WORDS * 4).buffer)
  for (let at = 0; at < words.length; at += ENTRY_WORDS) {
    const key = keyText(words[at] ?? 0, words[at + 1] ?? 0) as ClientKey
    writeEntry(words, at, key, {
      content: keyText(0, 1) as ContentKey,
      number: 0,
      tag: 0,
      isDeadLetter: false,
      rules: 0,
    })
  }
  const sorted = sortedEntries(words)
  const references: SegmentReference[] = []
  for (let from = 0; from < sorted.length; from += MAX_SEGMENT_ENTRIES * ENTRY_WORDS) {
    const part = sorted.subarray(from, from + MAX_SEGMENT_ENTRIES * ENTRY_WORDS)
    const bytes = segmentBytes(part)
    const name = `1-other-${from}`
    await store.put(name, bytes, never)
    references.push({ name, tier: 'base', entries: part.length / ENTRY_WORDS, sha256: segmentHash(bytes) })
  }
  return references
}

it('takes over a stream with a million clients in its index within seconds, and publishes each later change once', async () => {
  const stage = await scene({ source: { clients: 200 }, environment: { PLACEMENT: 'group' } })
  const { simulator, name, start, caughtUp } = stage
  const object = checkpointObject(name)
  const first = start()
  await caughtUp()
  expect(await first.stop()).toBe(0)
  const document = await object.document()
  const { index } = document.committed.state
  const others = await putOtherClients(storedSegments(name), MILLION)
  Object.assign(index, { segments: [...others, ...index.segments] })
  await object.write(`${JSON.stringify(document)}\n`)

  const owner = start()
  await owner.line(claimed)
  const standby = start()
  await standby.line(({ msg }) => msg === 'replica running')
  for (const id of simulator.clientIds) simulator.change(id)
  await caughtUp()
  expect(await owner.stop()).toBe(0)
  const stoppedAt = performance.now()
  for (const id of simulator.clientIds) simulator.change(id)
  await standby.line(claimed)
  const records = await caughtUp()
  expect(performance.now() - stoppedAt).toBeLessThan(15_000)
  expectExactlyOnce({ simulator }, records)
  expect(await standby.stop()).toBe(0)
  const kept = (await object.document()).committed.state.index.segments
  expect(kept).toEqual(expect.arrayContaining(others))
})
