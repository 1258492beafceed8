import type * as z from 'zod'
import type { CheckpointConfig } from '../../storage/checkpoint-store-config.ts'
import { checkpointStoreDefaults } from '../../storage/checkpoint-store-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

export const checkpointSection = setting.section('Where the checkpoints are stored', {
  url: setting.text(
    {
      description: 'The checkpoint store: an S3 bucket with a prefix, or a local directory',
      variable: 'CHECKPOINT_URL',
      examples: ['s3://bucket/polaris', 'file:./checkpoints'],
    },
    check.isCheckpointUrl,
    check.checkpointUrlRule,
  ),
  endpoint: setting
    .text(
      {
        description: 'URL of an S3-compatible server other than Amazon S3',
        variable: 'AWS_ENDPOINT_URL_S3',
        fallback: 'AWS_ENDPOINT_URL',
      },
      check.isHttpUrl,
      check.httpUrlRule,
    )
    .optional(),
  region: setting
    .text({ description: 'Region of the bucket', variable: 'AWS_REGION', fallback: 'AWS_DEFAULT_REGION' })
    .optional(),
  forcePathStyle: setting
    .flag({
      description: 'Put the bucket name in the path instead of the host name. Default: `true` if `endpoint` is set',
      variable: 'S3_FORCE_PATH_STYLE',
    })
    .optional(),
  encryption: setting
    .choice(['AES256', 'aws:kms', 'aws:kms:dsse'], { description: 'Server-side encryption' })
    .optional(),
  kmsKeyId: setting.text({ description: 'KMS key for server-side encryption' }).optional(),
  maxIndexMemory: setting.size(128 * 1024 * 1024, {
    description:
      'Maximum memory for the client indexes of all streams of a replica: 24 bytes a client. A stream whose index does not fit is held',
  }),
})

type CheckpointSettings = z.output<typeof checkpointSection>

/** Credentials are not settings: the AWS SDK finds them in its standard chain. */
export function checkpointConfig(checkpoint: CheckpointSettings): CheckpointConfig {
  const { callWithinMs, s3 } = checkpointStoreDefaults
  return {
    url: checkpoint.url,
    callWithinMs,
    s3: {
      ...s3,
      endpoint: checkpoint.endpoint,
      region: checkpoint.region,
      forcePathStyle: checkpoint.forcePathStyle,
      serverSideEncryption: checkpoint.encryption,
      kmsKeyId: checkpoint.kmsKeyId,
    },
  }
}
