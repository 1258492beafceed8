import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { type S3Settings, segmentsKey } from '../checkpoint-store-config.ts'
import { storeCall, uniqueName } from '../store-call.ts'
import type { CheckpointStore, StoredText, StoreParts, Version } from '../versioned-object.ts'
import { type ObjectRequests, type PutAnswer, type PutCondition, tryConditionalWrite } from './conditional-put.ts'
import { openS3Bucket, type S3Bucket } from './s3-bucket.ts'
import { isMissingKey, isRefusal, s3Error, s3Failure } from './s3-failure.ts'
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
  const requests = s3Requests(bucket)
  // Ceph accepts only unquoted ETags: the probe finds out.
  let quoting: EtagQuoting = 'quoted'

  const keyed = (key: string) => (config.prefix === '' ? key : `${config.prefix}/${key}`)
  const limits = (what: string) => ({ what, withinMs: callWithinMs, parts })

  return {
    object: (name) => {
      const key = keyed(name)
      return {
        read: (finish) =>
          storeCall((signal) => requests.get(key, signal), limits(`read ${bucket.placeOf(key)}`), finish),
        write: (text, expected, finish) => {
          const condition: PutCondition =
            expected === null ? { kind: 'absent' } : { kind: 'matches', etag: quotedAs(expected, quoting) }
          const what = `write ${bucket.placeOf(key)}`
          const write = { what, key, text, expected, condition }
          const attempt = (signal: AbortSignal) => tryConditionalWrite(requests, write, signal)
          return storeCall(attempt, limits(what), finish)
        },
      }
    },
    segments: (key) => s3SegmentStore({ bucket, prefix: `${keyed(segmentsKey(key))}/`, limits }),
    probe: async (stop) => {
      const what = `probe ${bucket.placeOf(config.prefix)}`
      const quotings: readonly EtagQuoting[] = ['quoted', 'unquoted']
      const attempt = (signal: AbortSignal) =>
        probeConditions(requests, { key: keyed(probeName(parts.clock)), quotings }, signal)
      const result = await storeCall(attempt, limits(what), stop)
      if (result.kind === 'supported') {
        quoting = result.quoting
        return
      }
      throw new ConnectorError(
        'storage.no-conditional-writes',
        `${what}: conditional writes do not work: ${result.why}`,
      )
    },
    close: () => bucket.client.destroy(),
  }
}

const probeName = (clock: Clock) => `.probe-${uniqueName(clock)}`

function s3Requests({ at, client, placeOf, encryption }: S3Bucket): ObjectRequests {
  const hasRegion = async () => {
    await client.config.region().catch(() => {
      throw new ConnectorError('storage.refused', `${placeOf('')}: no region is configured; set AWS_REGION`)
    })
  }

  return {
    get: async (key, signal) => {
      await hasRegion()
      try {
        const command = new GetObjectCommand({ ...at, Key: key })
        return await storedText(await client.send(command, { abortSignal: signal }))
      } catch (error) {
        signal.throwIfAborted()
        const failure = s3Failure(error)
        if (isMissingKey(failure)) return undefined
        throw s3Error(`read ${placeOf(key)}`, failure)
      }
    },
    put: async (key, { text, condition }, signal) => {
      await hasRegion()
      const command = new PutObjectCommand({
        ...at,
        Key: key,
        Body: Buffer.from(text), // not every store accepts the chunks that a string or a stream is sent in
        ContentType: 'application/json',
        ...encryption,
        ...(condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag }),
      })
      try {
        const { ETag: etag } = await client.send(command, { abortSignal: signal })
        return { kind: 'stored', etag: etag === undefined ? undefined : (etag as Version) }
      } catch (error) {
        signal.throwIfAborted()
        return failedPut(`write ${placeOf(key)}`, error)
      }
    },
    remove: async (key, signal) => {
      await client.send(new DeleteObjectCommand({ ...at, Key: key }), { abortSignal: signal })
    },
  }
}

async function storedText({ Body: body, ETag: etag }: GetObjectCommandOutput): Promise<StoredText> {
  // Read the body first, whatever else is wrong: an unread body occupies its connection forever.
  const text = (await body?.transformToString('utf-8')) ?? ''
  if (etag === undefined) throw Object.assign(new Error('no ETag'), { code: 'NoETag' })
  return { text, version: etag as Version }
}

function failedPut(what: string, error: unknown): PutAnswer {
  const failure = s3Failure(error)
  if (failure.status === 412 || isMissingKey(failure)) return { kind: 'unmet' }
  if (failure.status === 501) return { kind: 'unsupported' }
  const asError = s3Error(what, failure)
  if (isRefusal(failure)) throw asError
  return { kind: 'unclear', error: asError }
}
