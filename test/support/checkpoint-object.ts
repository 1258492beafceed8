import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { inject, onTestFinished } from 'vitest'
import type { CheckpointDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { openCheckpointStore } from '../../connector/compose/shared-resources.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import type { SegmentStore } from '../../connector/storage/checkpoint-store.ts'
import { checkpointKey } from '../../connector/storage/checkpoint-store-config.ts'

/** The stored checkpoint document of a stream, accessed with the bucket's own keys. */
export interface CheckpointObject {
  /** Undefined when the object does not exist. */
  read(): Promise<{ readonly text: string; readonly etag: string } | undefined>
  /** The stored document; null when the object does not exist. */
  document(): Promise<CheckpointDocument>
  write(text: string): Promise<void>
  remove(): Promise<void>
}

/** The checkpoint object of a stream of a `Scene`. */
export function checkpointObject(connector: string, stream = 'clients'): CheckpointObject {
  const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('s3')
  const client = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true })
  const place = { Bucket: bucket, Key: `e2e/${checkpointKey(connector, stream)}` }
  const read = async () => {
    try {
      const { Body, ETag = '' } = await client.send(new GetObjectCommand(place))
      return { text: (await Body?.transformToString()) ?? '', etag: ETag }
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined
      throw error
    }
  }
  const document = async (): Promise<CheckpointDocument> => JSON.parse((await read())?.text ?? 'null')
  return {
    read,
    document,
    write: async (text) => void (await client.send(new PutObjectCommand({ ...place, Body: Buffer.from(text) }))),
    remove: async () => void (await client.send(new DeleteObjectCommand(place))),
  }
}

/** The segments of a stream of a `Scene`. Call within a test. */
export function storedSegments(connector: string, stream = 'clients'): SegmentStore {
  const { endpoint, region, bucket, ...credentials } = inject('s3')
  const s3 = { endpoint, region, credentials }
  const parts = { clock: systemClock, onRetry: () => undefined }
  const store = openCheckpointStore({ url: `s3://${bucket}/e2e`, s3 }, parts)
  onTestFinished(() => store.close())
  return store.segments(checkpointKey(connector, stream))
}
