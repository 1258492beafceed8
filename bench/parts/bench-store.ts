import { openCheckpointStore } from '../../connector/compose/shared-resources.ts'
import type { SegmentReference } from '../../connector/index/index-state.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import type { S3Address } from '../../test/support/servers/s3-server.ts'

export interface StoredIndex {
  readonly address: S3Address
  readonly segments: readonly SegmentReference[]
}

export const BENCH_KEY = 'bench/stream.json'

/** Where both processes find the index. */
export function benchStore({ bucket, endpoint, region, accessKeyId, secretAccessKey }: S3Address) {
  const s3 = { endpoint, region, credentials: { accessKeyId, secretAccessKey } }
  const config = { url: `s3://${bucket}/index`, s3 }
  return openCheckpointStore(config, { clock: systemClock, onRetry: () => {} })
}
