/** What the client index and the documents of one stream write to S3 in a second, as measured. */
export interface StoreWrites {
  readonly documentsPerSecond: number
  readonly segmentsPerSecond: number
  readonly bytesPerDocument: number
  readonly bytesPerSecond: number
}

/** US dollars for 1,000 requests: list prices of Amazon S3 Standard, us-east-1, as of November 2026. DELETE is free. */
const PUT = 0.005
const GET = 0.0004
/** US dollars for a GB (10^9 bytes) and month. */
const STORED = 0.023
const MONTH_S = 730 * 3600
/** The control object, by each replica. */
const CONTROL_READS_PER_SECOND = 1 / 3

export interface StoreCosts {
  readonly putsPerHour: number
  readonly kilobytesPerDocument: number
  /** What a bucket with versions gains in a month if no lifecycle rule deletes old ones, and what the first GBs cost. */
  readonly versionedGigabytes: number
  readonly versionedDollars: number
  /** Requests, by the number of streams on one replica. */
  readonly dollars: Readonly<Record<string, number>>
}

export function storeCosts(writes: StoreWrites, streams: readonly number[]): StoreCosts {
  const puts = writes.documentsPerSecond + writes.segmentsPerSecond
  const stream = (MONTH_S / 1000) * (puts * PUT + writes.segmentsPerSecond * GET) // a merge reads each segment once
  const replica = (MONTH_S / 1000) * CONTROL_READS_PER_SECOND * GET
  const versionedGigabytes = (writes.bytesPerSecond * MONTH_S) / 1e9
  return {
    putsPerHour: puts * 3600,
    kilobytesPerDocument: writes.bytesPerDocument / 1000,
    versionedGigabytes,
    versionedDollars: versionedGigabytes * STORED,
    dollars: Object.fromEntries(streams.map((count) => [`${count} streams`, replica + count * stream])),
  }
}
