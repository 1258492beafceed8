import { expect, test } from 'vitest'
import { checkStore } from '../../../../connector/inspect/doctor/check-store.ts'
import type { DoctorParts } from '../../../../connector/inspect/doctor/doctor-parts.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import type { SegmentStore } from '../../../../connector/storage/checkpoint-store.ts'
import { type MemorySegmentStore, memorySegmentStore } from '../../../support/fakes/memory-segment-store.ts'
import { memoryStore } from '../../../support/fakes/memory-versioned-object.ts'
import { never } from '../../../support/signals.ts'

// A store in memory refuses single operations.

const refuse = () => Promise.reject(new ConnectorError('storage.refused', 'refused: 403'))

function check(segments: MemorySegmentStore, broken: Partial<SegmentStore> = {}) {
  const store = { ...memoryStore(), segments: () => ({ ...segments, ...broken }) }
  return checkStore({ config: { connector: 'shop' }, store } as unknown as DoctorParts, never)
}

test('leaves no segment when the store allows everything', async () => {
  const segments = memorySegmentStore()
  expect(await check(segments)).toEqual({
    verdict: 'ok',
    detail: 'supports conditional writes; a trial segment was written, listed and deleted',
  })
  expect(segments.written()).toBeGreaterThan(0)
  expect([...segments.stored]).toEqual([])
})

test.each([
  [{ list: refuse }, 'list'],
  [{ list: refuse, remove: refuse }, 'list and delete'],
])('warns when the store refuses %o', async (broken, operations) => {
  expect(await check(memorySegmentStore(), broken)).toMatchObject({
    verdict: 'warning',
    detail: `supports conditional writes, but does not allow to ${operations} segments`,
    hint: expect.stringContaining('s3:ListBucket'),
  })
})

test('fails when a segment cannot be written', async () => {
  expect(await check(memorySegmentStore(), { put: refuse })).toMatchObject({
    verdict: 'failed',
    code: 'storage.refused',
  })
})

test('fails when the store becomes unavailable', async () => {
  const segments = memorySegmentStore(({ kind }) => (kind === 'list' ? 'before' : 'none'))
  expect(await check(segments)).toMatchObject({ verdict: 'failed', code: 'storage.unavailable' })
})
