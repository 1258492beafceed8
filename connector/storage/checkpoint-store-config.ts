import { fileURLToPath } from 'node:url'
import { ConnectorError } from '../runtime/connector-error.ts'

/** Where the checkpoints are kept. Times in milliseconds. */
export interface CheckpointConfig {
  /** `s3://bucket/prefix` or `file:directory` (relative, `file:/absolute` or `file:///absolute`): see `parseCheckpointUrl`. */
  readonly url: string
  /** The longest that one read or one write may take, its tries and its reading back included. */
  readonly callWithinMs: number
  /** Looked at only when the URL begins with `s3:`. */
  readonly s3: S3Settings
}

export interface S3Settings {
  /** `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`. Absent: AWS itself. */
  readonly endpoint?: string | undefined
  /** `AWS_REGION`, else `AWS_DEFAULT_REGION`. Absent: the AWS profile's; with an `endpoint`, us-east-1. */
  readonly region?: string | undefined
  /** Absent: the standard AWS chain (environment, profile, web identity, container, instance). */
  readonly credentials?: S3Credentials | undefined
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Absent: exactly when there is an `endpoint`. */
  readonly forcePathStyle?: boolean | undefined
  /** `AWS_REQUEST_CHECKSUM_CALCULATION`. Absent: WHEN_REQUIRED with an `endpoint`, else WHEN_SUPPORTED. */
  readonly checksums?: 'WHEN_REQUIRED' | 'WHEN_SUPPORTED' | undefined
  /** How `If-Match` spells an ETag; `auto`: quoted, unless the start-up probe finds that only unquoted ones match (Ceph). */
  readonly etagQuoting: 'auto' | 'quoted' | 'unquoted'
  readonly serverSideEncryption?: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | undefined
  /** Needs `serverSideEncryption` by KMS. */
  readonly kmsKeyId?: string | undefined
  readonly bucketKeyEnabled?: boolean | undefined
  readonly connectWithinMs: number
  /** From sending a request to its answer, and the longest silence on a connection. */
  readonly answerWithinMs: number
}

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** The values that hold unless an operator says otherwise; the schema of the configuration takes its defaults from here. */
export const checkpointStoreDefaults = {
  callWithinMs: 15_000,
  s3: { etagQuoting: 'auto', connectWithinMs: 2_000, answerWithinMs: 5_000 },
} as const satisfies Omit<CheckpointConfig, 'url'>

export type CheckpointPlace =
  /** `prefix` has no slash at its ends and may be empty. */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }
  /** As written: a relative one is relative to the working directory. */
  | { readonly kind: 'file'; readonly directory: string }

/** What a `CHECKPOINT_URL` names. Throws `config.invalid`. */
export function parseCheckpointUrl(url: string): CheckpointPlace {
  const s3 = /^s3:\/\/(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(?<prefix>[^?#]*))?$/.exec(url)?.groups
  if (s3?.bucket !== undefined) {
    return { kind: 's3', bucket: s3.bucket, prefix: (s3.prefix ?? '').replace(/^\/+|\/+$/g, '') }
  }
  if (url.startsWith('file://')) return { kind: 'file', directory: absoluteDirectory(url) }
  if (/^file:[^?#]/.test(url)) return { kind: 'file', directory: url.slice('file:'.length) }
  throw unreadable()
}

function absoluteDirectory(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw unreadable()
  }
}

const unreadable = () =>
  new ConnectorError('config.invalid', 'CHECKPOINT_URL: not s3://bucket/prefix or file:directory')

/** The key of a stream's checkpoint, below the prefix or directory of the store. */
export function checkpointKey(connector: string, stream: string): string {
  return `${connector}/${stream}.json`
}
