import { ConnectorError } from '../../runtime/connector-error.ts'
import { type S3Settings, segmentsKey } from '../checkpoint-store-config.ts'
import { storeCall, uniqueName } from '../store-call.ts'
import type { CheckpointStore, StoreParts, Version, WriteOutcome } from '../versioned-object.ts'
import { type ObjectRequests, objectRequests, openS3Bucket } from './s3-bucket.ts'
import { type EtagQuoting, probeConditions, quotedAs } from './s3-probe.ts'
import { s3SegmentStore } from './s3-segment-store.ts'

interface S3StoreConfig {
  readonly bucket: string
  /** No leading or trailing slash; may be empty. */
  readonly prefix: string
  readonly callWithinMs: number
  readonly s3: S3Settings
}

/** Versioned objects in a bucket, written with conditional PUTs, and segments beside them. */
export function s3Store(config: S3StoreConfig, parts: StoreParts): CheckpointStore {
  const { s3, callWithinMs } = config
  const bucket = openS3Bucket(config.bucket, s3)
  const requests = objectRequests(bucket)
  // Ceph accepts only unquoted ETags: the probe finds out.
  let quoting: EtagQuoting = 'quoted'
  const keyed = (key: string) => (config.prefix === '' ? key : `${config.prefix}/${key}`)
  const limits = (what: string) => ({ what, withinMs: callWithinMs, parts })
  // The largest segment within a minute, also on a slow link. A connection without progress ends much earlier.
  const ofSegments = (what: string) => ({ ...limits(what), withinMs: 4 * callWithinMs })
  return {
    object: (name) => {
      const key = keyed(name)
      return {
        read: (finish) =>
          storeCall((signal) => requests.get(key, signal), limits(`read ${bucket.placeOf(key)}`), finish),
        write: (text, expected, finish) => {
          const what = `write ${bucket.placeOf(key)}`
          const ifMatch = expected === null ? null : quotedAs(expected, quoting)
          const write = { what, key, text, expected, ifMatch }
          return storeCall((signal) => tryConditionalWrite(requests, write, signal), limits(what), finish)
        },
      }
    },
    segments: (key) => s3SegmentStore({ bucket, prefix: `${keyed(segmentsKey(key))}/`, limits: ofSegments }),
    probe: async (stop) => {
      const what = `probe ${bucket.placeOf(config.prefix)}`
      const attempt = (signal: AbortSignal) =>
        probeConditions(requests, keyed(`.probe-${uniqueName(parts.clock)}`), signal)
      const result = await storeCall(attempt, limits(what), stop)
      if (result.kind === 'unsupported')
        throw new ConnectorError(
          'storage.no-conditional-writes',
          `${what}: conditional writes do not work: ${result.why}`,
        )
      quoting = result.quoting
    },
    close: () => bucket.client.destroy(),
  }
}

interface ConditionalWrite {
  /** Operation and location, for messages: `write s3://bucket/key`. */
  readonly what: string
  readonly key: string
  readonly text: string
  readonly expected: Version | null
  /** `expected` as sent. */
  readonly ifMatch: string | null
}

/**
 * Writes once. Unless the response is a clear success, reads back to decide: `written` if the object holds this text;
 * rejects with `storage.unavailable` if the object is still at `expected`; a conflict otherwise. After
 * `storage.unavailable` the same text may be written again, even while the first request is in flight.
 */
export async function tryConditionalWrite(
  requests: ObjectRequests,
  { what, key, text, expected, ifMatch }: ConditionalWrite,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const answer = await requests.put(key, { text, ifMatch }, signal)
  if (answer.kind === 'stored' && answer.etag !== undefined) return { kind: 'written', version: answer.etag }
  if (answer.kind === 'unsupported')
    throw new ConnectorError('storage.no-conditional-writes', `${what}: the store answered 501 to a conditional write`)
  const now = await requests.get(key, signal)
  if (now?.text === text) return { kind: 'written', version: now.version }
  if ((now?.version ?? null) !== expected) return { kind: 'conflict' }
  if (answer.kind === 'unclear') throw answer.error
  const why = `the object is unchanged, but the store answered "${answer.kind}"`
  throw new ConnectorError('storage.unavailable', `${what}: ${why}`)
}
