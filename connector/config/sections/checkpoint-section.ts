import type * as z from 'zod'
import type { CheckpointConfig, S3Settings } from '../../storage/checkpoint-store-config.ts'
import { checkpointStoreDefaults } from '../../storage/checkpoint-store-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const { callWithinMs, s3 } = checkpointStoreDefaults
const minute = 60_000

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
  etagQuoting: setting.choiceOr(s3.etagQuoting, ['auto', 'quoted', 'unquoted'], {
    description: 'How ETags are written in `If-Match`; `auto` detects what the store accepts',
  }),
  checksums: setting
    .choice(['WHEN_REQUIRED', 'WHEN_SUPPORTED', 'when_required', 'when_supported'], {
      description: 'When checksums are sent. Default: `WHEN_REQUIRED` if `endpoint` is set, otherwise `WHEN_SUPPORTED`',
      variable: 'AWS_REQUEST_CHECKSUM_CALCULATION',
    })
    .optional(),
  encryption: setting
    .choice(['AES256', 'aws:kms', 'aws:kms:dsse'], { description: 'Server-side encryption' })
    .optional(),
  kmsKeyId: setting.text({ description: 'KMS key for server-side encryption' }).optional(),
  bucketKey: setting.flag({ description: 'Use an S3 bucket key, which reduces the calls to KMS' }).optional(),
  savePeriod: setting.duration(minute, {
    description:
      'Minimum interval between saves of polls without changes; also the maximum delay until published events are recorded as committed',
  }),
  maxIndexMemory: setting.size(128 * 1024 * 1024, {
    description:
      'Maximum memory for the client indexes of all streams of a replica: 24 bytes a client. A stream whose index does not fit is held',
  }),
  timeouts: setting.section('Time limits for the checkpoint store', {
    connect: setting.duration(s3.connectWithinMs, { description: 'To establish a connection' }),
    answer: setting.duration(s3.answerWithinMs, { description: 'From a request to its response' }),
    call: setting.duration(callWithinMs, { description: 'For a whole read or write, including retries' }),
  }),
})

type CheckpointSettings = z.output<typeof checkpointSection>

/** Credentials are not settings: the AWS SDK finds them in its standard chain. */
export function checkpointConfig(checkpoint: CheckpointSettings): CheckpointConfig {
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

function checksums(spelled: CheckpointSettings['checksums']): S3Settings['checksums'] {
  if (spelled === undefined) return undefined
  return /required/i.test(spelled) ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED'
}
