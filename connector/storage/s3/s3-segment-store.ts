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
  const { client, at, encryption, answerWithinMs } = bucket
  const call = <Result>(
    operation: string,
    name: string,
    finish: AbortSignal,
    request: (key: string, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    const key = `${prefix}${name}`
    const what = `${operation} ${bucket.placeOf(key)}`
    const attempt = async (signal: AbortSignal) => {
      try {
        return await request(key, signal)
      } catch (error) {
        signal.throwIfAborted()
        throw s3Error(what, s3Failure(error))
      }
    }
    return storeCall(attempt, limits(what), finish)
  }
  return {
    put: (name, bytes, finish) =>
      call('write', name, finish, async (Key, abortSignal) => {
        const Body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        const ContentType = 'application/octet-stream'
        const command = new PutObjectCommand({ ...at, Key, Body, ContentType, ...encryption })
        await client.send(command, { abortSignal, requestTimeout: answerWithinMs + bytes.length / bytesPerMs })
      }),
    get: (name, finish) =>
      call('read', name, finish, (Key, abortSignal) =>
        unlessMissing(async () => {
          const { Body, ContentLength } = await client.send(new GetObjectCommand({ ...at, Key }), { abortSignal })
          // In Node, the body is a stream.
          return await bytesOf(Body as unknown as AsyncIterable<Uint8Array>, ContentLength)
        }),
      ),
    list: (finish) =>
      call('list', '', finish, async (Prefix, abortSignal) => {
        const keys: string[] = []
        for await (const { Contents = [] } of paginateListObjectsV2({ client }, { ...at, Prefix }, { abortSignal })) {
          for (const { Key = '' } of Contents) keys.push(Key.slice(prefix.length))
        }
        return keys.filter(isName)
      }),
    remove: (name, finish) =>
      call('delete', name, finish, async (Key, abortSignal) => {
        await unlessMissing(() => client.send(new DeleteObjectCommand({ ...at, Key }), { abortSignal }))
      }),
  }
}

/** Not the prefix itself, which some tools store as an empty object, and nothing below another directory. */
const isName = (name: string) => name !== '' && !name.includes('/')

/** The slowest upload that succeeds: 1 MB/s. */
const bytesPerMs = 1_000

async function unlessMissing<Result>(request: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await request()
  } catch (error) {
    if (isMissingKey(s3Failure(error))) return undefined
    throw error
  }
}

/**
 * A proxy that changes the encoding leaves out the length. What is longer is not a segment: its hash is another. The
 * SDK's own way to collect the bytes takes the memory of a segment twice.
 */
async function bytesOf(chunks: AsyncIterable<Uint8Array>, length = MAX_SEGMENT_BYTES): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(length, MAX_SEGMENT_BYTES))
  let filled = 0
  for await (const chunk of chunks) {
    const fitting = chunk.subarray(0, bytes.length - filled)
    bytes.set(fitting, filled)
    filled += fitting.length
    if (fitting.length < chunk.length) break
  }
  return filled < bytes.length ? bytes.slice(0, filled) : bytes
}
