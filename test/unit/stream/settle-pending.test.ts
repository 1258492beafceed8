import { expect, test } from 'vitest'
import { parseDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { openStream } from '../../../connector/stream/open-stream.ts'
import { settlePending } from '../../../connector/stream/settle-pending.ts'
import { change } from '../checkpoint/documents.ts'
import { KEY, stage } from './open-parts.ts'

const { signal } = new AbortController()
const stored = ({ store }: ReturnType<typeof stage>) => parseDocument(store.stored(KEY)?.text ?? '')

/** A replica that dies after its transaction was committed and before the checkpoint says so. */
async function dead() {
  const on = stage()
  const { producer, checkpoint } = await openStream(on.open, signal)
  const transaction = producer.begin(signal)
  await transaction.commit(await checkpoint.prepare(change, signal))
  return on
}

test('a decided pending state of a paused stream is recorded as committed by the replica that takes the stream over', async () => {
  const on = await dead()
  const { pending, claim } = stored(on)
  expect(pending).not.toBeNull()
  await settlePending(on.open, signal)
  expect(stored(on)).toMatchObject({
    pending: null,
    committed: { nonce: pending?.nonce },
    claim: { epoch: claim.epoch + 1 },
  })
})

test('a stream without a pending state is not opened', async () => {
  const on = await dead()
  await settlePending(on.open, signal)
  const before = on.store.stored(KEY)
  await settlePending(on.open, signal)
  expect(on.store.stored(KEY)).toBe(before)
})

test('a pause that the checkpoint of a stream does not know is stored once, with the revision of the control object', async () => {
  const on = await dead()
  await settlePending(on.open, signal)
  const pause = { id: 'p', reason: 'maintenance', requestedAt: 1, requestedBy: 'operator' }
  const seen = { revision: 7, pause }
  const parts = { ...on.open, seenControl: () => seen }
  await settlePending(parts, signal)
  expect(stored(on).control).toEqual(seen)
  const before = on.store.stored(KEY)
  await settlePending(parts, signal)
  expect(on.store.stored(KEY)).toBe(before)
  await settlePending({ ...parts, seenControl: () => ({ revision: 6, pause: null }) }, signal)
  expect(stored(on).control).toEqual(seen)
})

test('a stream without a checkpoint is not begun', async () => {
  const on = stage()
  await settlePending(on.open, signal)
  expect(on.store.stored(KEY)).toBeUndefined()
})
