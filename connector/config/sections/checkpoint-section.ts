import type * as z from 'zod'
import { type CheckpointConfig, checkpointStoreDefaults } from '../../storage/checkpoint-store-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

export const checkpointSection = setting.section('Where the checkpoints are stored', {
  url: setting.text({
    check: check.checkpointUrl,
    variable: 'CHECKPOINT_URL',
    description: 'The checkpoint store: an S3 bucket with a prefix, or a local directory',
    examples: ['s3://bucket/polaris', 'file:./checkpoints'],
  }),
  endpoint: setting
    .text({
      check: check.httpUrl,
      variable: 'AWS_ENDPOINT_URL_S3',
      fallback: 'AWS_ENDPOINT_URL',
      description: 'URL of an S3-compatible server other than Amazon S3',
    })
    .optional(),
  region: setting
    .text({ variable: 'AWS_REGION', fallback: 'AWS_DEFAULT_REGION', description: 'Region of the bucket' })
    .optional(),
  encryption: setting
    .choice({ choices: ['AES256', 'aws:kms', 'aws:kms:dsse'], description: 'Server-side encryption' })
    .optional(),
  kmsKeyId: setting.text({ description: 'KMS key for server-side encryption' }).optional(),
})

/** Credentials are not settings: the AWS SDK finds them in its standard chain. */
export function checkpointConfig({ url, ...s3 }: z.output<typeof checkpointSection>): CheckpointConfig {
  const { callWithinMs, s3: limits } = checkpointStoreDefaults
  return { url, callWithinMs, s3: { ...s3, ...limits } }
}
