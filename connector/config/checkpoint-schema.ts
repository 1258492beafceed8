import { checkpointStoreDefaults } from '../storage/checkpoint-store-config.ts'
import * as check from './setting-checks.ts'
import * as setting from './setting-types.ts'

const { callWithinMs, s3 } = checkpointStoreDefaults
const minute = 60_000

/** Where the checkpoints are kept. Credentials come by the standard AWS ways alone. */
export const checkpointSection = setting.section('Where the checkpoints are kept', {
  url: setting.text(
    {
      description: 'The store: a bucket with a prefix, or a directory of this machine',
      variable: 'CHECKPOINT_URL',
      examples: ['s3://bucket/polaris', 'file:./checkpoints'],
    },
    check.isCheckpointUrl,
    check.checkpointUrlRule,
  ),
  endpoint: setting
    .text(
      {
        description: "Address of an S3 server other than Amazon's",
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
      description: 'Name the bucket in the path instead of the host; without it, exactly where there is an endpoint',
      variable: 'S3_FORCE_PATH_STYLE',
    })
    .optional(),
  etagQuoting: setting.choiceOr(s3.etagQuoting, ['auto', 'quoted', 'unquoted'], {
    description: 'How the store wants ETags in `If-Match`; `auto` finds out',
  }),
  checksums: setting
    .choice(['WHEN_REQUIRED', 'WHEN_SUPPORTED', 'when_required', 'when_supported'], {
      description: 'When checksums are sent; without it, only where required if there is an endpoint',
      variable: 'AWS_REQUEST_CHECKSUM_CALCULATION',
    })
    .optional(),
  encryption: setting
    .choice(['AES256', 'aws:kms', 'aws:kms:dsse'], { description: 'Encryption by the store' })
    .optional(),
  kmsKeyId: setting.text({ description: 'Key for encryption by KMS' }).optional(),
  bucketKey: setting.flag({ description: 'Use a bucket key, which saves calls to KMS' }).optional(),
  savePeriod: setting.duration(minute, { description: 'How often, at most, a poll that brought nothing is saved' }),
  timeouts: setting.section('How long the store may take', {
    connect: setting.duration(s3.connectWithinMs, { description: 'To accept a connection' }),
    answer: setting.duration(s3.answerWithinMs, { description: 'To answer a request' }),
    call: setting.duration(callWithinMs, { description: 'For a whole read or write, its tries included' }),
  }),
})
