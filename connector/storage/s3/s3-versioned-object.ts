import { randomUUID } from 'node:crypto'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { type S3Settings, segmentsKey } from '../checkpoint-store-config.ts'
import type { SegmentStore } from '../segment-store.ts'
import { storeCall } from '../store-call.ts'
import type { CheckpointStore, StoreParts, Version, VersionedObject, WriteOutcome } from '../versioned-object.ts'
import { type ObjectRequests, openS3Bucket, type S3Bucket } from './s3-bucket.ts'
import { type EtagQuoting, probeConditions, quotedAs } from './s3-probe.ts'

interface S3StoreConfig {
  readonly bucket: string
  /** No leading or trailing slash; may be empty. */
  readonly prefix: string
  readonly callWithinMs: number
  readonly s3: S3Settings
}

/** Versioned objects in a bucket, written with conditional PUTs, and segments beside them. */
export function s3Store(config: S3StoreConfig, parts: StoreParts): CheckpointStore {
  const bucket = openS3Bucket(config.bucket, config.s3)
  // Ceph accepts only unquoted ETags: the probe finds out.
  let quoting: EtagQuoting = 'quoted'
  const keyed = (key: string) => (config.prefix === '' ? key : `${config.prefix}/${key}`)
  const calls =
    (withinMs: number): StoreCalls =>
    (operation, key, attempt, finish) => {
      const what = `${operation} ${bucket.placeOf(key)}`
      return storeCall((signal) => attempt(signal, what), { what, withinMs, parts }, finish)
    }
  const call = calls(config.callWithinMs)
  // The largest segment within a minute, also on a slow link. A connection without progress ends much earlier.
  const callOfSegments = calls(4 * config.callWithinMs)
  return {
    object: (name) => versionedObject(bucket, { key: keyed(name), call, quoted: (etag) => quotedAs(etag, quoting) }),
    segments: (key) => segmentStore(bucket, `${keyed(segmentsKey(key))}/`, callOfSegments),
    probe: (stop) =>
      call(
        'probe',
        config.prefix,
        async (signal, what) => {
          const result = await probeConditions(bucket, keyed(`.probe-${randomUUID()}`), signal)
          if (result.kind === 'supported') quoting = result.quoting
          else
            throw new ConnectorError(
              'storage.no-conditional-writes',
              `${what}: conditional writes do not work: ${result.why}`,
            )
        },
        stop,
      ),
    close: bucket.close,
  }
}

/** One call of the store with its retries. `what`: operation and location, such as `read s3://bucket/key`. */
type StoreCalls = <Result>(
  operation: string,
  key: string,
  attempt: (signal: AbortSignal, what: string) => Promise<Result>,
  finish: AbortSignal,
) => Promise<Result>

interface ObjectPlace {
  readonly key: string
  readonly call: StoreCalls
  readonly quoted: (etag: Version) => string
}

function versionedObject(bucket: S3Bucket, { key, call, quoted }: ObjectPlace): VersionedObject {
  const read = async (signal: AbortSignal) => {
    const found = await bucket.get(key, signal)
    return found && { text: found.bytes.toString(), version: found.version }
  }
  return {
    read: (finish) => call('read', key, read, finish),
    write: (text, expected, finish) => {
      const ifMatch = expected === null ? null : quoted(expected)
      const attempt = (signal: AbortSignal, what: string) =>
        tryConditionalWrite(bucket, { what, key, text, expected, ifMatch }, signal)
      return call('write', key, attempt, finish)
    },
  }
}

/** Segments as objects below a prefix, which ends with a slash. Their names are never reused: no condition is needed. */
function segmentStore(bucket: S3Bucket, prefix: string, call: StoreCalls): SegmentStore {
  const keyOf = (name: string) => `${prefix}${name}`
  const put = async (key: string, bytes: Uint8Array, signal: AbortSignal) => {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const answer = await bucket.put(key, { body }, signal)
    if (answer.kind === 'unclear') throw answer.error
    if (answer.kind !== 'stored')
      throw new ConnectorError('storage.unavailable', `write ${bucket.placeOf(key)}: answered "${answer.kind}"`)
  }
  // Not the prefix itself, which some tools store as an empty object, and nothing below another directory.
  const isName = (name: string) => name !== '' && !name.includes('/')
  const list = async (signal: AbortSignal) =>
    (await bucket.list(prefix, signal)).map((key) => key.slice(prefix.length)).filter(isName)
  return {
    put: (name, bytes, finish) => call('write', keyOf(name), (signal) => put(keyOf(name), bytes, signal), finish),
    get: (name, finish) =>
      call('read', keyOf(name), async (signal) => (await bucket.get(keyOf(name), signal))?.bytes, finish),
    list: (finish) => call('list', prefix, list, finish),
    remove: (name, finish) => call('delete', keyOf(name), (signal) => bucket.remove(keyOf(name), signal), finish),
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
  const answer = await requests.put(key, { body: Buffer.from(text), ifMatch }, signal)
  if (answer.kind === 'stored' && answer.etag !== undefined) return { kind: 'written', version: answer.etag }
  const now = await requests.get(key, signal)
  if (now?.bytes.toString() === text) return { kind: 'written', version: now.version }
  if ((now?.version ?? null) !== expected) return { kind: 'conflict' }
  if (answer.kind === 'unclear') throw answer.error
  const why = `the object is unchanged, but the store answered "${answer.kind}"`
  throw new ConnectorError('storage.unavailable', `${what}: ${why}`)
}
