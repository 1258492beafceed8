import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { hostAndPort } from '../../runtime/network.ts'
import type { Version } from '../checkpoint-store.ts'
import { type S3Settings, storeTimes } from '../checkpoint-store-config.ts'
import { isMissingKey, isRefusal, s3Error, s3Failure } from './s3-failure.ts'

interface Put {
  /** Not every store accepts the chunks in which a string or a stream is sent. */
  readonly body: Buffer
  /** The ETag of the object, as sent in `If-Match`; null: no object exists; absent: no condition. */
  readonly ifMatch?: string | null
}

type PutAnswer =
  | { readonly kind: 'stored'; readonly etag: Version }
  /** The store answers that the condition is false: 412, or 404 NoSuchKey with `ifMatch`. */
  | { readonly kind: 'unmet'; readonly error: unknown }
  /** 409, 5xx, a timeout, a broken connection or no ETag: stored, not stored, or still in flight. */
  | { readonly kind: 'unclear'; readonly error: unknown }

/** Requests to a bucket, without retries. They reject with `storage.unavailable` (transient) or `storage.refused`. */
export interface S3Bucket {
  /** Reads an object; undefined if there is none. */
  get(key: string, signal: AbortSignal): Promise<{ bytes: Uint8Array; version: Version } | undefined>
  put(key: string, put: Put, signal: AbortSignal): Promise<PutAnswer>
  /** Deletes an object, also one that does not exist. */
  remove(key: string, signal: AbortSignal): Promise<void>
  /** Returns the keys that begin with the prefix. */
  list(prefix: string, signal: AbortSignal): Promise<readonly string[]>
  /** Names an object in messages. */
  placeOf(key: string): string
  close(): void
}

interface Client {
  readonly client: S3Client
  readonly Bucket: string
  readonly settings: S3Settings
  readonly placeOf: (key: string) => string
}

export function openS3Bucket(Bucket: string, settings: S3Settings): S3Bucket {
  const client = new S3Client(clientConfig(settings))
  const server = settings.endpoint === undefined ? 'Amazon S3' : hostAndPort(new URL(settings.endpoint))
  const placeOf = (key: string) => `s3://${Bucket}/${key} at ${server}`
  const at = { client, Bucket, settings, placeOf }
  return {
    get: (key, signal) =>
      request(at, () => getObject(at, key, signal), undefinedIfMissing(`read ${placeOf(key)}`), signal),
    put: (key, put, signal) => {
      const onFailure = (error: unknown) => answerOfFailedPut(`write ${placeOf(key)}`, error)
      return request(at, () => putObject(at, { key, ...put }, signal), onFailure, signal)
    },
    remove: (Key, abortSignal) => {
      const remove = async () => void (await client.send(new DeleteObjectCommand({ Bucket, Key }), { abortSignal }))
      return request(at, remove, undefinedIfMissing(`delete ${placeOf(Key)}`), abortSignal)
    },
    list: async (prefix, signal) =>
      (await request(at, () => listKeys(at, prefix, signal), undefinedIfMissing(`list ${placeOf(prefix)}`), signal)) ??
      [],
    placeOf,
    close: () => client.destroy(),
  }
}

async function request<Result, Failure>(
  { client, placeOf }: Client,
  send: () => Promise<Result>,
  onFailure: (error: unknown) => Failure,
  signal: AbortSignal,
): Promise<Result | Failure> {
  await client.config.region().catch(() => {
    throw new ConnectorError('storage.refused', `${placeOf('')}: no region is configured; set AWS_REGION`)
  })
  return await send().catch((error: unknown) => {
    signal.throwIfAborted()
    return onFailure(error)
  })
}

const undefinedIfMissing = (what: string) => (error: unknown) => {
  if (isMissingKey(s3Failure(error))) return undefined
  throw s3Error(what, s3Failure(error))
}

async function getObject({ client, Bucket }: Client, Key: string, abortSignal: AbortSignal) {
  const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket, Key }), { abortSignal })
  // Read the body first, whatever else is wrong: an unread body occupies its connection forever.
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
  return { bytes, version: versionOf(ETag) }
}

function versionOf(etag: string | undefined): Version {
  if (etag === undefined) throw Object.assign(new Error('no ETag'), { code: 'NoETag' })
  return etag as Version
}

/** The slowest upload that succeeds: 1 MB/s. */
const BYTES_PER_MS = 1_000

async function putObject(
  { client, Bucket, settings }: Client,
  { key: Key, body: Body, ifMatch }: Put & { readonly key: string },
  abortSignal: AbortSignal,
): Promise<PutAnswer> {
  const condition = ifMatch === undefined ? {} : ifMatch === null ? { IfNoneMatch: '*' } : { IfMatch: ifMatch }
  const requestTimeout = storeTimes.answerWithinMs + Body.length / BYTES_PER_MS
  const command = new PutObjectCommand({
    Bucket,
    Key,
    Body,
    ServerSideEncryption: settings.encryption,
    SSEKMSKeyId: settings.kmsKeyId,
    ...condition,
  })
  const { ETag } = await client.send(command, { abortSignal, requestTimeout })
  return { kind: 'stored', etag: versionOf(ETag) }
}

async function listKeys({ client, Bucket }: Client, Prefix: string, abortSignal: AbortSignal): Promise<string[]> {
  const keys: string[] = []
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix }, { abortSignal }))
    for (const { Key = '' } of Contents) keys.push(Key)
  return keys
}

function clientConfig(s3: S3Settings): S3ClientConfig {
  const isCustom = s3.endpoint !== undefined
  const region = s3.region ?? (isCustom ? 'us-east-1' : undefined)
  // Other servers than Amazon's may not support checksums.
  const checksums = isCustom ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED'
  return {
    ...(s3.endpoint === undefined ? {} : { endpoint: s3.endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(s3.credentials === undefined ? {} : { credentials: s3.credentials }),
    forcePathStyle: isCustom,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    // Only `storeCall` retries: an attempt must be read back before the next one. A retry by the SDK after a lost
    // response would return a false 412.
    maxAttempts: 1,
    // The SDK's defaults have no timeout.
    requestHandler: {
      connectionTimeout: storeTimes.connectWithinMs,
      requestTimeout: storeTimes.answerWithinMs,
      throwOnRequestTimeout: true,
      socketTimeout: storeTimes.answerWithinMs,
    },
    // By default, the SDK opens a connection for every document above 2 MB.
    expectContinueHeader: false,
  }
}

function answerOfFailedPut(what: string, error: unknown): PutAnswer {
  const failure = s3Failure(error)
  if (failure.status === 501)
    throw new ConnectorError('storage.no-conditional-writes', `${what}: the store answered 501 to a conditional write`)
  const asError = s3Error(what, failure)
  if (failure.status === 412 || isMissingKey(failure)) return { kind: 'unmet', error: asError }
  if (isRefusal(failure)) throw asError
  return { kind: 'unclear', error: asError }
}
