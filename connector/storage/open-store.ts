import { assertNever } from '../runtime/assert-never.ts'
import type { CheckpointStore, StoreParts } from './checkpoint-store.ts'
import { type CheckpointConfig, parseCheckpointUrl } from './checkpoint-store-config.ts'
import { fileStore } from './file-versioned-object.ts'
import { s3Store } from './s3-versioned-object.ts'

/** The store that the URL names, not yet asked anything: `probe` it first. Throws `config.invalid`. */
export function openCheckpointStore(config: CheckpointConfig, parts: StoreParts): CheckpointStore {
  const place = parseCheckpointUrl(config.url)
  const { callWithinMs, s3 } = config
  switch (place.kind) {
    case 's3':
      return s3Store({ bucket: place.bucket, prefix: place.prefix, callWithinMs, s3 }, parts)
    case 'file':
      return fileStore({ directory: place.directory, callWithinMs }, parts)
    default:
      return assertNever(place)
  }
}
