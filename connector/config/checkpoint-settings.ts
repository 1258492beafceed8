import type { CheckpointConfig, S3Settings } from '../storage/checkpoint-store-config.ts'
import type { Settings } from './config-schema.ts'

/** The checkpoint store. Credentials stay with the standard AWS chain. */
export function checkpointConfig(checkpoint: Settings['checkpoint']): CheckpointConfig {
  const { timeouts } = checkpoint
  return {
    url: checkpoint.url,
    callWithinMs: timeouts.call,
    s3: {
      endpoint: checkpoint.endpoint,
      region: checkpoint.region,
      forcePathStyle: checkpoint.forcePathStyle,
      checksums: checksums(checkpoint.checksums),
      etagQuoting: checkpoint.etagQuoting,
      serverSideEncryption: checkpoint.encryption,
      kmsKeyId: checkpoint.kmsKeyId,
      bucketKeyEnabled: checkpoint.bucketKey,
      connectWithinMs: timeouts.connect,
      answerWithinMs: timeouts.answer,
    },
  }
}

function checksums(spelled: Settings['checkpoint']['checksums']): S3Settings['checksums'] {
  if (spelled === undefined) return undefined
  return /required/i.test(spelled) ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED'
}
