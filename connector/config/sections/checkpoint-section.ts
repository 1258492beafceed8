import type * as z from 'zod'
import { type CheckpointConfig, checkpointStoreDefaults } from '../../storage/checkpoint-store-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

export const checkpointSection = setting.section(
  'Where the checkpoints are stored',
  {
    url: setting.text(
      'The checkpoint store: an S3 bucket with a prefix, or a local directory. Example: `s3://bucket/polaris`, `file:./checkpoints`',
      { check: check.checkpointUrl, variable: 'CHECKPOINT_URL' },
    ),
    endpoint: setting.optional.text(
      'URL of an S3-compatible server other than Amazon S3; the bucket is in the path of its requests',
      { check: check.httpUrl, variable: 'AWS_ENDPOINT_URL_S3', fallback: 'AWS_ENDPOINT_URL' },
    ),
    region: setting.optional.text('Region of the bucket', { variable: 'AWS_REGION', fallback: 'AWS_DEFAULT_REGION' }),
    encryption: setting.optional.choice('Server-side encryption', { choices: ['AES256', 'aws:kms', 'aws:kms:dsse'] }),
    kmsKeyId: setting.optional.text('KMS key for server-side encryption'),
  },
  [
    ({ encryption, kmsKeyId }) =>
      kmsKeyId === undefined || encryption?.startsWith('aws:') === true
        ? []
        : [{ path: ['kmsKeyId'], what: 'requires encryption: aws:kms or aws:kms:dsse' }],
  ],
)

/** Credentials are not settings: the AWS SDK finds them in its standard chain. */
export function checkpointConfig({ url, ...s3 }: z.output<typeof checkpointSection>): CheckpointConfig {
  const { callWithinMs, s3: limits } = checkpointStoreDefaults
  return { url, callWithinMs, s3: { ...s3, ...limits } }
}
