import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { CheckpointStore, StoreParts } from './checkpoint-store.ts'
import type { S3Settings } from './checkpoint-store-config.ts'
import { tryConditionalWrite } from './conditional-write.ts'
import type { ObjectRequests, PutAnswer, PutCondition } from './object-requests.ts'
import { isRefusal, s3Error, s3Failure } from './s3-failure.ts'
import { type EtagQuoting, probeConditions, spelled } from './s3-probe.ts'
import { storeCall } from './store-call.ts'
import { uniqueName } from './unique-name.ts'
import type { StoredText, Version } from './versioned-object.ts'

export interface S3StoreConfig {
  readonly bucket: string
  /** No slash at its ends; may be empty. */
  readonly prefix: string
  readonly callWithinMs: number
  readonly s3: S3Settings
}

/** Versioned objects in a bucket, by conditional PUT. */
export function s3Store(config: S3StoreConfig, parts: StoreParts): CheckpointStore {
  const { bucket, s3, callWithinMs } = config
  const client = new S3Client(clientConfig(s3))
  const requests = s3Requests(client, { bucket, settings: s3 })
  let quoting: EtagQuoting = s3.etagQuoting === 'unquoted' ? 'unquoted' : 'quoted'

  const place = (key: string) => `s3://${bucket}/${key}`
  const keyed = (key: string) => (config.prefix === '' ? key : `${config.prefix}/${key}`)
  const limits = (what: string) => ({ what, withinMs: callWithinMs, parts })

  return {
    object: (name) => {
      const key = keyed(name)
      return {
        read: (finish) => storeCall((signal) => requests.get(key, signal), limits(`read ${place(key)}`), finish),
        write: (text, expected, finish) => {
          const condition: PutCondition =
            expected === null ? { kind: 'absent' } : { kind: 'matches', etag: spelled(expected, quoting) }
          const what = `write ${place(key)}`
          const write = { what, key, text, expected, condition }
          const attempt = (signal: AbortSignal) => tryConditionalWrite(requests, write, signal)
          return storeCall(attempt, limits(what), finish)
        },
      }
    },
    probe: async (stop) => {
      const what = `probe ${place(config.prefix)}`
      const quotings: readonly EtagQuoting[] = s3.etagQuoting === 'auto' ? ['quoted', 'unquoted'] : [s3.etagQuoting]
      const attempt = (signal: AbortSignal) =>
        probeConditions(requests, { key: keyed(probeName(parts.clock)), quotings }, signal)
      const finding = await storeCall(attempt, limits(what), stop)
      if (finding.kind === 'required') {
        quoting = finding.quoting
        return
      }
      const can = `its conditional writes are of mode "${finding.kind}" (${finding.why}), the checkpoint needs "required"`
      throw new ConnectorError('storage.no-conditional-writes', `${what}: ${can}`)
    },
    close: () => client.destroy(),
  }
}

const probeName = (clock: Clock) => `.probe-${uniqueName(clock)}`

function clientConfig(s3: S3Settings): S3ClientConfig {
  const isCustom = s3.endpoint !== undefined
  const region = s3.region ?? (isCustom ? 'us-east-1' : undefined)
  const checksums = s3.checksums ?? (isCustom ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED')
  return {
    ...(s3.endpoint === undefined ? {} : { endpoint: s3.endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(s3.credentials === undefined ? {} : { credentials: plainCredentials(s3.credentials) }),
    forcePathStyle: s3.forcePathStyle ?? isCustom,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    // Retrying is ours alone: what came of a try has to be read back before the next, and the SDK's own retry makes a lost answer a false 412.
    maxAttempts: 1,
    // The SDK's own defaults wait for ever.
    requestHandler: {
      connectionTimeout: s3.connectWithinMs,
      requestTimeout: s3.answerWithinMs,
      throwOnRequestTimeout: true,
      socketTimeout: s3.answerWithinMs,
    },
    // It would open a connection for every document above 2 MB.
    expectContinueHeader: false,
  }
}

function plainCredentials({ accessKeyId, secretAccessKey, sessionToken }: NonNullable<S3Settings['credentials']>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

function s3Requests(client: S3Client, { bucket, settings }: { bucket: string; settings: S3Settings }): ObjectRequests {
  const encryption = {
    ServerSideEncryption: settings.serverSideEncryption,
    SSEKMSKeyId: settings.kmsKeyId,
    BucketKeyEnabled: settings.bucketKeyEnabled,
  }
  const hasRegion = async () => {
    await client.config.region().catch(() => {
      throw new ConnectorError('storage.refused', `s3://${bucket}: no region, set AWS_REGION`)
    })
  }

  return {
    get: async (key, signal) => {
      await hasRegion()
      try {
        const command = new GetObjectCommand({ Bucket: bucket, Key: key })
        return await storedText(await client.send(command, { abortSignal: signal }))
      } catch (error) {
        signal.throwIfAborted()
        const failure = s3Failure(error)
        if (failure.status === 404 && failure.code === 'NoSuchKey') return undefined
        throw s3Error(`read s3://${bucket}/${key}`, failure)
      }
    },
    put: async (key, { text, condition }, signal) => {
      await hasRegion()
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: Buffer.from(text), // a string or a stream would be sent in chunks, which not every store takes
        ContentType: 'application/json',
        ...encryption,
        ...(condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag }),
      })
      try {
        const { ETag: etag } = await client.send(command, { abortSignal: signal })
        return { kind: 'stored', etag: etag === undefined ? undefined : (etag as Version) }
      } catch (error) {
        signal.throwIfAborted()
        return failedPut(`write s3://${bucket}/${key}`, error)
      }
    },
    remove: async (key, signal) => {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal })
    },
  }
}

async function storedText({ Body: body, ETag: etag }: GetObjectCommandOutput): Promise<StoredText> {
  // Whatever else is wrong: a body that is not read to its end keeps its connection for ever.
  const text = (await body?.transformToString('utf-8')) ?? ''
  if (etag === undefined) throw Object.assign(new Error('no ETag'), { code: 'NoETag' })
  return { text, version: etag as Version }
}

function failedPut(what: string, error: unknown): PutAnswer {
  const failure = s3Failure(error)
  if (failure.status === 412 || (failure.status === 404 && failure.code === 'NoSuchKey')) return { kind: 'unmet' }
  if (failure.status === 501) return { kind: 'unsupported' }
  const asError = s3Error(what, failure)
  if (isRefusal(failure)) throw asError
  return { kind: 'unclear', error: asError }
}
