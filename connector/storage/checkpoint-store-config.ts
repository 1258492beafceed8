import { fileURLToPath } from 'node:url'

/** Location of the checkpoints. */
export interface CheckpointConfig {
  /** `s3://bucket/prefix`, or `file:directory` (relative), `file:/absolute` or `file:///absolute`. */
  readonly url: string
  /** They are used only if the URL begins with `s3:`. */
  readonly s3: S3Settings
}

export interface S3Settings {
  /** It is `AWS_ENDPOINT_URL_S3`, or else `AWS_ENDPOINT_URL`; without both, requests go to AWS. */
  readonly endpoint?: string | undefined
  /**
   * It is `AWS_REGION`, or else `AWS_DEFAULT_REGION`; without both, us-east-1 with an `endpoint`, or else the profile's
   * region.
   */
  readonly region?: string | undefined
  /**
   * Without them, the standard AWS provider chain is used (environment, profile, web identity, container, instance).
   */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
  readonly encryption?: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | undefined
  /** It requires `encryption` with KMS. */
  readonly kmsKeyId?: string | undefined
}

/** Holds times in milliseconds that only we can tune. Tests shorten them. */
export const storeTimes = {
  /** One read or one write, including retries and reading back, must end within this time. */
  callWithinMs: 15_000,
  connectWithinMs: 2_000,
  /** The response headers must arrive within this time after the request; a connection may be idle as long. */
  answerWithinMs: 5_000,
}

/** `prefix` has no leading or trailing slash and may be empty. */
export type S3Place = { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }
/** The directory is as written; a relative path is relative to the working directory. */
type FilePlace = { readonly kind: 'file'; readonly directory: string }

/**
 * Returns the place of `CHECKPOINT_URL`, or why the URL is invalid. Invariant 8: without the URL, which may be a
 * misplaced secret.
 */
export function checkpointPlace(url: string): S3Place | FilePlace | string {
  const s3 = /^s3:\/\/(?<bucket>[^/?#]+)(?:\/(?<prefix>[^?#]*))?$/.exec(url)?.groups
  if (s3?.bucket !== undefined) {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(s3.bucket))
      return 'must have a valid bucket name: 3 to 63 lower-case letters, digits, dots and hyphens'
    return { kind: 's3', bucket: s3.bucket, prefix: (s3.prefix ?? '').replace(/^\/+|\/+$/g, '') }
  }
  const directory = url.startsWith('file://') ? absoluteDirectory(url) : /^file:([^?#]+)$/.exec(url)?.[1]
  if (directory === undefined) return 'must be s3://bucket/prefix or file:directory'
  if (directory.startsWith('~'))
    return 'must not begin with ~, which is not expanded: write the whole path, file:/home/…'
  return { kind: 'file', directory }
}

function absoluteDirectory(url: string): string | undefined {
  try {
    return fileURLToPath(url)
  } catch {
    return undefined
  }
}

/** Returns the key of a stream's checkpoint, relative to the prefix or directory of the store. */
export function checkpointKey(connector: string, stream: string): string {
  return `${connector}/${stream}.json`
}

/** Returns the key of what operators wish of a stream, by the key of its checkpoint; no stream has this name. */
export function wishesKey(key: string): string {
  return key.replace(/\.json$/, '.wishes.json')
}

/** Returns the prefix or directory of a stream's segments, by the key of its checkpoint. No two streams share one. */
export function segmentsKey(key: string): string {
  return `${key.replace(/\.json$/, '')}.index`
}
