import type { Version } from '../checkpoint-store.ts'
import type { PutAnswer, S3Bucket } from './s3-bucket.ts'

/** How to write an ETag in `If-Match`, in the order to try. Ceph accepts only unquoted ones. */
const quotings = ['quoted', 'unquoted'] as const
export type EtagQuoting = (typeof quotings)[number]

/** Whether a store supports the conditional writes that checkpoints need: create and update. */
type ProbeResult =
  | { readonly kind: 'supported'; readonly quoting: EtagQuoting }
  | { readonly kind: 'unsupported'; readonly why: string }

/**
 * Creates, creates again, updates, updates with a stale ETag and reads an object, then deletes it if that is allowed.
 * `key`: one that nothing else uses. Cannot detect a store that checks the condition and then writes without a lock.
 * Rejects with `storage.*` if a response is inconclusive; a retry needs another key.
 */
export async function probeConditions(
  bucket: Pick<S3Bucket, 'get' | 'put' | 'remove'>,
  key: string,
  signal: AbortSignal,
): Promise<ProbeResult> {
  let step = 0
  const put = async (ifMatch: string | null): Promise<PutAnswer> => {
    step += 1
    const body = Buffer.from(JSON.stringify({ comment: 'written by the start-up probe; may be deleted', step }))
    const answer = await bucket.put(key, { body, ifMatch }, signal)
    if (answer.kind === 'unclear') throw answer.error
    return answer
  }
  const unsupported = (why: string): ProbeResult => ({ kind: 'unsupported', why })
  try {
    const created = await put(null)
    if (created.kind !== 'stored') return unsupported(`If-None-Match: * on a new key was answered "${created.kind}"`)
    if ((await put(null)).kind === 'stored') return unsupported('If-None-Match: * was ignored')

    for (const quoting of quotings) {
      const updated = await put(quotedAs(created.etag, quoting))
      if (updated.kind !== 'stored') continue
      const stale = await put(quotedAs(created.etag, quoting))
      if (stale.kind === 'stored') return unsupported('If-Match with an old ETag was accepted')
      const isSame = (await bucket.get(key, signal))?.version === updated.etag
      return isSame ? { kind: 'supported', quoting } : unsupported('a write and a read return different ETags')
    }
    return unsupported('If-Match with the current ETag was refused')
  } finally {
    await bucket.remove(key, signal).catch(() => undefined)
  }
}

/** The ETag as written in `If-Match`. */
export function quotedAs(etag: Version, quoting: EtagQuoting): string {
  return quoting === 'quoted' ? etag : etag.replace(/^"(.*)"$/, '$1')
}
