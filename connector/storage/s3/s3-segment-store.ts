import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { MAX_SEGMENT_BYTES, type SegmentStore } from '../segment-store.ts'
import { type CallLimits, storeCall } from '../store-call.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { isMissingKey, s3Error, s3Failure } from './s3-failure.ts'

interface SegmentPlace {
  readonly bucket: S3Bucket
  /** Ends with a slash. */
  readonly prefix: string
  readonly limits: (what: string) => CallLimits
}

/** Segments as objects below a prefix. Their names are never reused, so no request needs a condition. */
export function s3SegmentStore({ bucket, prefix, limits }: SegmentPlace): SegmentStore {
  const call = <Result>(
    operation: string,
    request: (bucket: S3Bucket, key: string, signal: AbortSignal, onProgress: () => void) => Promise<Result>,
  ) => {
    return (name: string, finish: AbortSignal): Promise<Result> => {
      const key = `${prefix}${name}`
      const what = `${operation} ${bucket.placeOf(key)}`
      const attempt = async (signal: AbortSignal, onProgress: () => void) => {
        try {
          return await request(bucket, key, signal, onProgress)
        } catch (error) {
          signal.throwIfAborted()
          throw s3Error(what, s3Failure(error))
        }
      }
      return storeCall(attempt, limits(what), finish)
    }
  }
  const list = call('list', keysBelow)
  return {
    put: (name, bytes, finish) => call('write', putting(bytes))(name, finish),
    get: call('read', bytesOf),
    list: async (finish) => (await list('', finish)).map((key) => key.slice(prefix.length)).filter(isName),
    remove: call('delete', remove),
  }
}

/** Not the prefix itself, which some tools store as an empty object, and nothing below another directory. */
const isName = (name: string) => name !== '' && !name.includes('/')

/** The slowest upload that succeeds: 1 MB/s. */
const bytesPerMs = 1_000

const putting =
  (bytes: Uint8Array) =>
  async (bucket: S3Bucket, Key: string, abortSignal: AbortSignal): Promise<void> => {
    const { client, at, encryption, answerWithinMs } = bucket
    const Body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const command = new PutObjectCommand({ ...at, Key, Body, ContentType: 'application/octet-stream', ...encryption })
    await client.send(command, { abortSignal, requestTimeout: answerWithinMs + bytes.length / bytesPerMs })
  }

async function bytesOf(
  { client, at }: S3Bucket,
  Key: string,
  abortSignal: AbortSignal,
  onProgress: () => void,
): Promise<Uint8Array | undefined> {
  try {
    const { Body, ContentLength = MAX_SEGMENT_BYTES } = await client.send(new GetObjectCommand({ ...at, Key }), {
      abortSignal,
    })
    // In Node, the body is a stream. Collected here: the SDK's own way takes the memory of a segment twice.
    const chunks = Body as unknown as AsyncIterable<Uint8Array>
    // A proxy that changes the encoding leaves out the length. What is longer is not a segment: its hash is another.
    const bytes = new Uint8Array(Math.min(ContentLength, MAX_SEGMENT_BYTES))
    let filled = 0
    for await (const chunk of chunks) {
      const fitting = chunk.subarray(0, bytes.length - filled)
      bytes.set(fitting, filled)
      filled += fitting.length
      onProgress()
      if (fitting.length < chunk.length) break
    }
    return filled < bytes.length ? bytes.slice(0, filled) : bytes
  } catch (error) {
    if (isMissingKey(s3Failure(error))) return undefined
    throw error
  }
}

async function keysBelow({ client, at }: S3Bucket, Prefix: string, abortSignal: AbortSignal) {
  const keys: string[] = []
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { ...at, Prefix }, { abortSignal })) {
    for (const { Key = '' } of Contents) keys.push(Key)
  }
  return keys
}

async function remove({ client, at }: S3Bucket, Key: string, abortSignal: AbortSignal): Promise<void> {
  try {
    await client.send(new DeleteObjectCommand({ ...at, Key }), { abortSignal })
  } catch (error) {
    if (!isMissingKey(s3Failure(error))) throw error
  }
}
