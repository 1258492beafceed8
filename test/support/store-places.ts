import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { openCheckpointStore } from '../../connector/compose/shared-resources.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import type { CloseStack } from '../../connector/runtime/close-stack.ts'
import type { CheckpointStore } from '../../connector/storage/checkpoint-store.ts'
import type { S3Settings } from '../../connector/storage/checkpoint-store-config.ts'
import { temporaryFolder } from './closing.ts'
import { memoryStore } from './fakes/memory-versioned-object.ts'

/** Opens the same place repeatedly, as several replicas do. */
type OpenStore = () => CheckpointStore

const storeAt = (url: string, s3: S3Settings) => () =>
  openCheckpointStore({ url, s3 }, { clock: systemClock, onRetry: () => undefined })

const inMemory = (): OpenStore => {
  const store = memoryStore()
  return () => store
}

const inFiles = (closing: CloseStack): OpenStore => storeAt(`file:${temporaryFolder(closing)}/created/by/the/store`, {})

const onRealS3 = (): OpenStore => {
  const { endpoint, region, bucket, ...credentials } = inject('s3')
  return storeAt(`s3://${bucket}/${randomUUID()}`, { endpoint, region, credentials })
}

/** Each makes a new, empty place. */
export const storePlaces: [string, (closing: CloseStack) => OpenStore][] = [
  ['memory', inMemory],
  ['files', inFiles],
  ['a real S3 server', onRealS3],
]
