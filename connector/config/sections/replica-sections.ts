import type * as z from 'zod'
import { groupDefaults, type PlacementConfig } from '../../placement/placement-config.ts'
import type { CheckpointConfig } from '../../storage/checkpoint-store-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

export const log = setting.section('Logging', {
  level: setting.choice('Minimum level of the lines that are written', {
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
  }),
})

export const http = setting.section('HTTP endpoints: health, metrics and the status page', {
  port: setting.wholeNumber('Port to listen on; 0: any free port', {
    min: 0,
    max: 65_535,
    default: 8080,
  }),
})

export const placement = setting.section('Which replica runs which streams', {
  mode: setting.choice(
    '`group`: replicas share the streams through the Kafka consumer group `<connector>`. `single`: one process runs all streams',
    { choices: ['group', 'single'], default: 'group', variable: 'PLACEMENT' },
  ),
})

/** Returns the placement. `topics` says how missing topics are created. */
export function placementConfig(
  { mode }: z.output<typeof placement>,
  { create, replicationFactor }: { create: boolean; replicationFactor: number },
): PlacementConfig {
  if (mode === 'single') return { mode }
  return { mode, create: create ? { ...groupDefaults.create, replicationFactor } : undefined }
}

export const checkpointSection = setting.section('Where the checkpoints are stored', {
  url: setting.text(
    'An S3 bucket with a prefix, or a directory. Example: `s3://bucket/polaris`, `file:./checkpoints`',
    {
      check: check.checkpointUrl,
    },
  ),
  endpoint: setting
    .text('URL of an S3 server other than Amazon S3; its requests have the bucket in the path', {
      check: check.httpUrl,
      variable: 'AWS_ENDPOINT_URL_S3',
      fallback: 'AWS_ENDPOINT_URL',
    })
    .optional(),
  region: setting.text('Region of the bucket', { variable: 'AWS_REGION', fallback: 'AWS_DEFAULT_REGION' }).optional(),
  encryption: setting.choice('Server-side encryption', { choices: ['AES256', 'aws:kms', 'aws:kms:dsse'] }).optional(),
  kmsKeyId: setting.text('KMS key for server-side encryption').optional(),
})

/** Credentials are not settings: the AWS SDK finds them in its standard chain. */
export function checkpointConfig({ url, ...s3 }: z.output<typeof checkpointSection>): CheckpointConfig {
  return { url, s3 }
}
