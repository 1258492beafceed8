import { setTimeout as delay } from 'node:timers/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { inject, onTestFinished } from 'vitest'
import type { CheckpointDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { openCheckpointStore } from '../../connector/compose/shared-resources.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import type { SegmentStore } from '../../connector/storage/checkpoint-store.ts'
import { checkpointKey, segmentsKey } from '../../connector/storage/checkpoint-store-config.ts'

/** The stored checkpoint document of a stream, accessed with the bucket's own keys. */
export interface CheckpointObject {
  /** Undefined when the object does not exist. */
  read(): Promise<{ readonly text: string; readonly etag: string } | undefined>
  /** The stored document; null when the object does not exist. */
  document(): Promise<CheckpointDocument>
  /** Waits until the document satisfies `isIt`. */
  until(isIt: (document: CheckpointDocument) => boolean, withinMs?: number): Promise<CheckpointDocument>
  write(text: string): Promise<void>
  remove(): Promise<void>
  /** Removes all segments of the client index; resolves to their number. */
  removeSegments(): Promise<number>
  /** Copies all objects of the connector to the same keys below this prefix instead of `e2e`. */
  copyTo(prefix: string): Promise<void>
  /** Keys of probe objects, and of segments that doctor wrote. */
  probes(): Promise<readonly string[]>
}

/** The checkpoint object of a stream of a `Scene`. */
export function checkpointObject(connector: string, stream = 'clients'): CheckpointObject {
  const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('s3')
  const settings: S3ClientConfig = { credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true }
  const client = new S3Client({ endpoint, region, ...settings })
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
  const keysIn = async (Prefix: string) => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }))
    return Contents.map(({ Key = '' }) => Key)
  }
  const document = async (): Promise<CheckpointDocument> => JSON.parse((await read())?.text ?? 'null')
  return {
    read,
    document,
    until: async (isIt, withinMs = 30_000) => {
      for (const giveUpAt = performance.now() + withinMs; ; await delay(20)) {
        const found = await document()
        if (found !== null && isIt(found)) return found
        if (performance.now() > giveUpAt) throw new Error(`no matching document within ${withinMs} ms: ${isIt}`)
      }
    },
    write: async (text) => void (await client.send(new PutObjectCommand({ ...place, Body: Buffer.from(text) }))),
    remove: async () => void (await client.send(new DeleteObjectCommand(place))),
    removeSegments: async () => {
      const keys = await keysIn(`e2e/${segmentsKey(checkpointKey(connector, stream))}/`)
      await Promise.all(keys.map((Key) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))))
      return keys.length
    },
    copyTo: async (prefix) => {
      for (const Key of await keysIn(`e2e/${connector}/`)) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
        const moved = {
          Bucket: bucket,
          Key: Key.replace(/^e2e/, prefix),
          Body: (await Body?.transformToByteArray()) ?? '',
        }
        await client.send(new PutObjectCommand(moved))
      }
    },
    probes: async () => (await Promise.all(['e2e/.probe-', `e2e/${connector}/.doctor`].map(keysIn))).flat(),
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
