import { expect, test } from 'vitest'
import { parseDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { openStream } from '../../../../connector/stream/open/open-stream.ts'
import { settlePending } from '../../../../connector/stream/open/settle-pending.ts'
import { never } from '../../../support/signals.ts'
import { change } from '../../checkpoint/documents.ts'
import { KEY, stage } from './open-parts.ts'

const stored = ({ store }: ReturnType<typeof stage>) => parseDocument(store.stored(KEY)?.text ?? '')

/** A replica that dies after its transaction was committed and before the checkpoint says so. */
async function dead() {
  const on = stage()
  const { producer, checkpoint } = await openStream(on.open, never)
  const transaction = producer.begin(never)
  await transaction.commit(await checkpoint.prepare(change, never))
  return on
}

test('a decided pending state of a paused stream is recorded as committed by the replica that takes the stream over', async () => {
  const on = await dead()
  const { pending, claim } = stored(on)
  expect(pending).not.toBeNull()
  await settlePending(on.open, never)
  expect(stored(on)).toMatchObject({
    pending: null,
    committed: { nonce: pending?.nonce },
    claim: { epoch: claim.epoch + 1 },
  })
})

test('a stream without a pending state is not opened', async () => {
  const on = await dead()
  await settlePending(on.open, never)
  const before = on.store.stored(KEY)
  await settlePending(on.open, never)
  expect(on.store.stored(KEY)).toBe(before)
})

test('a pause that the checkpoint does not have is stored once, without fencing, as the stream may be held', async () => {
  const on = await dead()
  await settlePending(on.open, never)
  const before = stored(on)
  const pause = { id: 'p', reason: 'maintenance', requestedAt: 1, requestedBy: 'operator' }
  const seen = { revision: 7, pause }
  const publisher = { ...on.open.publisher, open: () => Promise.reject(new Error('fenced')) }
  const parts = { ...on.open, publisher, seenControl: () => seen }
  await settlePending(parts, never)
  const after = stored(on)
  expect(after).toEqual({ ...before, nonce: after.nonce, control: seen })
  expect(after.nonce).not.toBe(before.nonce)
  await settlePending(parts, never)
  await settlePending({ ...parts, seenControl: () => ({ revision: 6, pause: null }) }, never)
  expect(stored(on)).toEqual(after)
})

test('a stream without a checkpoint is not begun', async () => {
  const on = stage()
  await settlePending(on.open, never)
  expect(on.store.stored(KEY)).toBeUndefined()
})
