import { randomUUID } from 'node:crypto'
import type {
  CheckpointStore,
  SegmentStore,
  StoreParts,
  Version,
  VersionedObject,
  WriteOutcome,
} from '../checkpoint-store.ts'
import { type S3Place, type S3Settings, segmentsKey, storeTimes } from '../checkpoint-store-config.ts'
import { storeCall } from '../store-call.ts'
import { openS3Bucket, type S3Bucket } from './s3-bucket.ts'
import { type EtagQuoting, probeConditions, quotedEtag } from './s3-probe.ts'

/** Keeps versioned objects in a bucket, written with conditional PUTs, and segments beside them. */
export function s3Store({ place, s3 }: { place: S3Place; s3: S3Settings }, parts: StoreParts): CheckpointStore {
  const { prefix } = place
  const bucket = openS3Bucket(place.bucket, s3)
  let quoting: EtagQuoting = quotedEtag // it holds until the probe knows better
  const withPrefix = (key: string) => (prefix === '' ? key : `${prefix}/${key}`)
  const calls =
    (withinMs: number): StoreCall =>
    (operation, key, attempt, finish) =>
      storeCall(attempt, { what: `${operation} ${bucket.placeOf(key)}`, withinMs, parts }, finish)
  const call = calls(storeTimes.callWithinMs)
  // This is enough for the largest segment, also on a slow link. A connection without progress ends much earlier.
  const callOfSegments = calls(4 * storeTimes.callWithinMs)
  const probe = async (signal: AbortSignal) => {
    quoting = await probeConditions(bucket, withPrefix(`.probe-${randomUUID()}`), signal)
  }
  return {
    object: (key) => versionedObject(bucket, { key: withPrefix(key), call, quoting: () => quoting }),
    segments: (key) => segmentStore(bucket, `${withPrefix(segmentsKey(key))}/`, callOfSegments),
    probe: (stop) => call('probe', prefix, probe, stop),
    close: bucket.close,
  }
}

/** One call of the store with its retries. */
type StoreCall = <Result>(
  operation: string,
  key: string,
  attempt: (signal: AbortSignal) => Promise<Result>,
  finish: AbortSignal,
) => Promise<Result>

function versionedObject(
  bucket: S3Bucket,
  { key, call, quoting }: { key: string; call: StoreCall; quoting: () => EtagQuoting },
): VersionedObject {
  const read = async (signal: AbortSignal) => {
    const found = await bucket.get(key, signal)
    return found && { text: Buffer.from(found.bytes).toString(), version: found.version }
  }
  /**
   * Writes once. Unless the response is a clear success, reads back to decide: `written` if the object holds this text;
   * rejects with `storage.unavailable` if the object is still at `expected`; a conflict otherwise. After
   * `storage.unavailable` the same text may be written again, even while the first request is in flight.
   */
  const write = async (text: string, expected: Version | null, signal: AbortSignal): Promise<WriteOutcome> => {
    const ifMatch = expected === null ? null : quoting()(expected)
    const answer = await bucket.put(key, { body: Buffer.from(text), ifMatch }, signal)
    if (answer.kind === 'stored') return { kind: 'written', version: answer.etag }
    const now = await read(signal)
    if (now?.text === text) return { kind: 'written', version: now.version }
    if ((now?.version ?? null) !== expected) return { kind: 'conflict' }
    throw answer.error
  }
  return {
    read: (finish) => call('read', key, read, finish),
    write: (text, expected, finish) => call('write', key, (signal) => write(text, expected, signal), finish),
  }
}

/**
 * Keeps segments as objects below a prefix, which ends with a slash. Their names are never reused: no condition is
 * needed.
 */
function segmentStore(bucket: S3Bucket, prefix: string, call: StoreCall): SegmentStore {
  const put = async (key: string, bytes: Uint8Array, signal: AbortSignal) => {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const answer = await bucket.put(key, { body }, signal)
    if (answer.kind !== 'stored') throw answer.error
  }
  // It is neither the prefix itself, which some tools store as an empty object, nor anything below another directory.
  const isName = (name: string) => name !== '' && !name.includes('/')
  const list = async (signal: AbortSignal) =>
    (await bucket.list(prefix, signal)).map((key) => key.slice(prefix.length)).filter(isName)
  return {
    put: (name, bytes, finish) => call('write', prefix + name, (signal) => put(prefix + name, bytes, signal), finish),
    get: (name, finish) =>
      call('read', prefix + name, async (signal) => (await bucket.get(prefix + name, signal))?.bytes, finish),
    list: (finish) => call('list', prefix, list, finish),
    remove: (name, finish) => call('delete', prefix + name, (signal) => bucket.remove(prefix + name, signal), finish),
  }
}
