import { expect, test } from 'vitest'
import type { ObjectRequests, PutAnswer } from '../../../../connector/storage/s3/s3-bucket.ts'
import { tryConditionalWrite } from '../../../../connector/storage/s3/s3-versioned-object.ts'
import type { StoredText, Version, WriteOutcome } from '../../../../connector/storage/versioned-object.ts'
import { never } from '../../../support/signals.ts'

const [v1, v2, v3] = ['v1', 'v2', 'v3'] as [Version, Version, Version]
const unclear: PutAnswer = { kind: 'unclear', error: new Error('unclear') }

function requests(answer: PutAnswer, now: StoredText | undefined): ObjectRequests {
  const get = async () => now && { bytes: Buffer.from(now.text), version: now.version }
  return { put: async () => answer, get, remove: async () => undefined }
}

const tryWrite = (answer: PutAnswer, now?: StoredText, expected: Version | null = v1) => {
  const write = { what: 'write k', key: 'k', text: 'mine', expected, ifMatch: null }
  return tryConditionalWrite(requests(answer, now), write, never)
}

const settled: [string, PutAnswer, StoredText | undefined, WriteOutcome][] = [
  ['stored', { kind: 'stored', etag: v2 }, undefined, { kind: 'written', version: v2 }],
  [
    'stored without an ETag, read back as mine',
    { kind: 'stored', etag: undefined },
    { text: 'mine', version: v2 },
    { kind: 'written', version: v2 },
  ],
  ['unmet, read back as mine', { kind: 'unmet' }, { text: 'mine', version: v2 }, { kind: 'written', version: v2 }],
  ['unclear, read back as mine', unclear, { text: 'mine', version: v2 }, { kind: 'written', version: v2 }],
  ['unmet, read back as another', { kind: 'unmet' }, { text: 'theirs', version: v3 }, { kind: 'conflict' }],
  ['unclear, read back as another', unclear, { text: 'theirs', version: v3 }, { kind: 'conflict' }],
  ['unmet, read back as deleted', { kind: 'unmet' }, undefined, { kind: 'conflict' }],
  ['unclear, read back as deleted', unclear, undefined, { kind: 'conflict' }],
]
test.each(settled)('returns the outcome of a PUT: %s', async (_what, answer, now, outcome) => {
  expect(await tryWrite(answer, now)).toEqual(outcome)
})

test('rejects with the original error when the outcome is unclear and the object is unchanged', async () => {
  await expect(tryWrite(unclear, { text: 'before', version: v1 })).rejects.toThrow('unclear')
  await expect(tryWrite(unclear, undefined, null)).rejects.toThrow('unclear')
})

test('rejects as unavailable when the store reports a true condition as false', async () => {
  await expect(tryWrite({ kind: 'unmet' }, { text: 'before', version: v1 })).rejects.toMatchObject({
    code: 'storage.unavailable',
  })
})
