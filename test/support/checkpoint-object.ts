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
import { inject } from 'vitest'
import type { CheckpointDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { checkpointKey } from '../../connector/storage/checkpoint-store-config.ts'

/** The stored document of a stream, as somebody with the keys of the bucket sees it. */
export interface CheckpointObject {
  /** Undefined when there is none. */
  read(): Promise<{ readonly text: string; readonly etag: string } | undefined>
  /** The document that is there. */
  document(): Promise<CheckpointDocument>
  /** Waits until the document is so. */
  until(isIt: (document: CheckpointDocument) => boolean, withinMs?: number): Promise<CheckpointDocument>
  write(text: string): Promise<void>
  remove(): Promise<void>
  /** What probes of the store have left beside it. */
  probes(): Promise<readonly string[]>
}

/** The document of a stream of a `Scene`. */
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
  const document = async (): Promise<CheckpointDocument> => JSON.parse((await read())?.text ?? 'null')
  return {
    read,
    document,
    until: async (isIt, withinMs = 30_000) => {
      for (const giveUpAt = performance.now() + withinMs; ; await delay(20)) {
        const found = await document()
        if (found !== null && isIt(found)) return found
        if (performance.now() > giveUpAt) throw new Error(`no such document within ${withinMs} ms: ${isIt}`)
      }
    },
    write: async (text) => void (await client.send(new PutObjectCommand({ ...place, Body: Buffer.from(text) }))),
    remove: async () => void (await client.send(new DeleteObjectCommand(place))),
    probes: async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'e2e/.probe-' }))
      return Contents.map(({ Key = '' }) => Key)
    },
  }
}
