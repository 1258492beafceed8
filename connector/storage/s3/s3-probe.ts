import { ConnectorError } from '../../runtime/connector-error.ts'
import type { Version } from '../checkpoint-store.ts'
import type { S3Bucket } from './s3-bucket.ts'

/** How to write an ETag in `If-Match`. */
export type EtagQuoting = (etag: Version) => string

export const quotedEtag: EtagQuoting = (etag) => etag
/** Ceph accepts only ETags without quotes. */
const unquotedEtag: EtagQuoting = (etag) => etag.replace(/^"(.*)"$/, '$1')

/**
 * Checks that a store supports the conditional writes that checkpoints need: creates, creates again, updates, updates
 * with a stale ETag and reads an object, then deletes it if that is allowed. Resolves to how it wants ETags. `key`: one
 * that nothing else uses. Cannot detect a store that checks the condition and then writes without a lock. Rejects with
 * `storage.no-conditional-writes`, or as the bucket does if a response is inconclusive; a retry needs another key.
 */
export async function probeConditions(bucket: S3Bucket, key: string, signal: AbortSignal): Promise<EtagQuoting> {
  let step = 0
  const put = async (ifMatch: string | null) => {
    step += 1
    const body = Buffer.from(JSON.stringify({ comment: 'written by the start-up probe; may be deleted', step }))
    const answer = await bucket.put(key, { body, ifMatch }, signal)
    if (answer.kind === 'unclear') throw answer.error
    return answer
  }
  const unsupportedError = (why: string) =>
    new ConnectorError(
      'storage.no-conditional-writes',
      `probe ${bucket.placeOf(key)}: conditional writes do not work: ${why}`,
    )
  try {
    const created = await put(null)
    if (created.kind !== 'stored')
      throw unsupportedError(`If-None-Match: * on a new key was answered "${created.kind}"`)
    if ((await put(null)).kind === 'stored') throw unsupportedError('If-None-Match: * was ignored')

    for (const quoting of [quotedEtag, unquotedEtag]) {
      const updated = await put(quoting(created.etag))
      if (updated.kind !== 'stored') continue
      const stale = await put(quoting(created.etag))
      if (stale.kind === 'stored') throw unsupportedError('If-Match with an old ETag was accepted')
      if ((await bucket.get(key, signal))?.version === updated.etag) return quoting
      throw unsupportedError('a write and a read return different ETags')
    }
    throw unsupportedError('If-Match with the current ETag was refused')
  } finally {
    await bucket.remove(key, signal).catch(() => undefined)
  }
}
