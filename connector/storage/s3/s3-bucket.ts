import { type PutObjectCommandInput, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { hostAndPort } from '../../runtime/network-cause.ts'
import type { S3Settings } from '../checkpoint-store-config.ts'

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
  readonly encryption: Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId'>
}

/** Makes no request. */
export function openS3Bucket(name: string, settings: S3Settings): S3Bucket {
  const server = settings.endpoint === undefined ? 'Amazon S3' : hostAndPort(new URL(settings.endpoint))
  return {
    at: { Bucket: name },
    placeOf: (key) => `s3://${name}/${key} at ${server}`,
    client: new S3Client(clientConfig(settings)),
    answerWithinMs: settings.answerWithinMs,
    encryption: {
      ServerSideEncryption: settings.encryption,
      SSEKMSKeyId: settings.kmsKeyId,
    },
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
    ...(s3.credentials === undefined ? {} : { credentials: plainCredentials(s3.credentials) }),
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

function plainCredentials({ accessKeyId, secretAccessKey, sessionToken }: NonNullable<S3Settings['credentials']>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
