import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { hostAndPort } from '../../runtime/network-cause.ts'
import type { S3Settings } from '../checkpoint-store-config.ts'
import type { StoredText, Version } from '../versioned-object.ts'
import { isMissingKey, isRefusal, s3Error, s3Failure } from './s3-failure.ts'

/** A bucket, and the client for it. */
export interface S3Bucket {
  /** Parameters of every request. */
  readonly at: { readonly Bucket: string }
  readonly client: S3Client
  /** For messages: `s3://bucket/key at host:port`. */
  readonly placeOf: (key: string) => string
  /** From sending a small request to its response headers. */
  readonly answerWithinMs: number
  /** Parameters of every PUT. */
  readonly encryption: Pick<ConstructorParameters<typeof PutObjectCommand>[0], 'ServerSideEncryption' | 'SSEKMSKeyId'>
}

/** Makes no request. */
export function openS3Bucket(name: string, settings: S3Settings): S3Bucket {
  const server = settings.endpoint === undefined ? 'Amazon S3' : hostAndPort(new URL(settings.endpoint))
  return {
    at: { Bucket: name },
    placeOf: (key) => `s3://${name}/${key} at ${server}`,
    client: new S3Client(clientConfig(settings)),
    answerWithinMs: settings.answerWithinMs,
    encryption: { ServerSideEncryption: settings.encryption, SSEKMSKeyId: settings.kmsKeyId },
  }
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
      connectionTimeout: s3.connectWithinMs,
      requestTimeout: s3.answerWithinMs,
      throwOnRequestTimeout: true,
      socketTimeout: s3.answerWithinMs,
    },
    // Otherwise the SDK opens a connection for every document above 2 MB.
    expectContinueHeader: false,
  }
}

interface ConditionalText {
  readonly text: string
  /** The ETag of the object, as sent in `If-Match`; null: no object exists. */
  readonly ifMatch: string | null
}

export type PutAnswer =
  /** `etag` as the store returned it; undefined if it returned none. */
  | { readonly kind: 'stored'; readonly etag: Version | undefined }
  /** The store answers that the condition is false: 412, or 404 NoSuchKey with `ifMatch`. */
  | { readonly kind: 'unmet' }
  /** The store does not support the condition: 501. */
  | { readonly kind: 'unsupported' }
  /** 409, 5xx, a timeout or a broken connection: stored, not stored, or still in flight. */
  | { readonly kind: 'unclear'; readonly error: unknown }

/** Requests to an object store, without retries. Reject with `storage.unavailable` (transient) or `storage.refused`. */
export interface ObjectRequests {
  get(key: string, signal: AbortSignal): Promise<StoredText | undefined>
  put(key: string, put: ConditionalText, signal: AbortSignal): Promise<PutAnswer>
  remove(key: string, signal: AbortSignal): Promise<void>
}

export function objectRequests({ at, client, placeOf, encryption }: S3Bucket): ObjectRequests {
  const hasRegion = async () => {
    await client.config.region().catch(() => {
      throw new ConnectorError('storage.refused', `${placeOf('')}: no region is configured; set AWS_REGION`)
    })
  }
  return {
    get: async (key, abortSignal) => {
      await hasRegion()
      try {
        const { Body, ETag: etag } = await client.send(new GetObjectCommand({ ...at, Key: key }), { abortSignal })
        // Read the body first, whatever else is wrong: an unread body occupies its connection forever.
        const text = (await Body?.transformToString('utf-8')) ?? ''
        if (etag === undefined) throw Object.assign(new Error('no ETag'), { code: 'NoETag' })
        return { text, version: etag as Version }
      } catch (error) {
        abortSignal.throwIfAborted()
        const failure = s3Failure(error)
        if (isMissingKey(failure)) return undefined
        throw s3Error(`read ${placeOf(key)}`, failure)
      }
    },
    put: async (key, { text, ifMatch }, abortSignal) => {
      await hasRegion()
      const command = new PutObjectCommand({
        ...at,
        Key: key,
        Body: Buffer.from(text), // not every store accepts the chunks that a string or a stream is sent in
        ContentType: 'application/json',
        ...encryption,
        ...(ifMatch === null ? { IfNoneMatch: '*' } : { IfMatch: ifMatch }),
      })
      try {
        const { ETag: etag } = await client.send(command, { abortSignal })
        return { kind: 'stored', etag: etag === undefined ? undefined : (etag as Version) }
      } catch (error) {
        abortSignal.throwIfAborted()
        return failedPut(`write ${placeOf(key)}`, error)
      }
    },
    remove: async (key, abortSignal) => {
      await client.send(new DeleteObjectCommand({ ...at, Key: key }), { abortSignal })
    },
  }
}

function failedPut(what: string, error: unknown): PutAnswer {
  const failure = s3Failure(error)
  if (failure.status === 412 || isMissingKey(failure)) return { kind: 'unmet' }
  if (failure.status === 501) return { kind: 'unsupported' }
  const asError = s3Error(what, failure)
  if (isRefusal(failure)) throw asError
  return { kind: 'unclear', error: asError }
}
