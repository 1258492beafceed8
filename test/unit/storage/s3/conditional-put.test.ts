import { expect, test } from 'vitest'
import type { StoredText, Version, WriteOutcome } from '../../../../connector/storage/checkpoint-store.ts'
import type { PutAnswer, S3Bucket } from '../../../../connector/storage/s3/s3-bucket.ts'
import { tryConditionalWrite } from '../../../../connector/storage/s3/s3-store.ts'
import { never } from '../../../support/signals.ts'

const [v1, v2, v3] = ['v1', 'v2', 'v3'] as [Version, Version, Version]
const unclear: PutAnswer = { kind: 'unclear', error: new Error('unclear') }
const unmet: PutAnswer = { kind: 'unmet', error: new Error('unmet') }

function requests(answer: PutAnswer, now: StoredText | undefined): Pick<S3Bucket, 'get' | 'put'> {
  const get = async () => now && { bytes: Buffer.from(now.text), version: now.version }
  return { put: async () => answer, get }
}

const tryWrite = (answer: PutAnswer, now?: StoredText, expected: Version | null = v1) => {
  const write = { key: 'k', text: 'mine', expected, ifMatch: null }
  return tryConditionalWrite(requests(answer, now), write, never)
}

const settled: [string, PutAnswer, StoredText | undefined, WriteOutcome][] = [
  ['stored', { kind: 'stored', etag: v2 }, undefined, { kind: 'written', version: v2 }],
  ['unmet, read back as mine', unmet, { text: 'mine', version: v2 }, { kind: 'written', version: v2 }],
  ['unclear, read back as mine', unclear, { text: 'mine', version: v2 }, { kind: 'written', version: v2 }],
  ['unmet, read back as another', unmet, { text: 'theirs', version: v3 }, { kind: 'conflict' }],
  ['unclear, read back as another', unclear, { text: 'theirs', version: v3 }, { kind: 'conflict' }],
  ['unmet, read back as deleted', unmet, undefined, { kind: 'conflict' }],
  ['unclear, read back as deleted', unclear, undefined, { kind: 'conflict' }],
]
test.each(settled)('returns the outcome of a PUT: %s', async (_what, answer, now, outcome) => {
  expect(await tryWrite(answer, now)).toEqual(outcome)
})

test.each([unclear, unmet])('rejects with the error of the answer when the object is unchanged', async (answer) => {
  await expect(tryWrite(answer, { text: 'before', version: v1 })).rejects.toThrow(answer.kind)
  await expect(tryWrite(answer, undefined, null)).rejects.toThrow(answer.kind)
})
