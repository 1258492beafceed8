import { createHash } from 'node:crypto'
import type { CheckpointDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import type { S3Exchange } from '../support/servers/s3-fault-proxy.ts'

/** Ordered by epoch, then by transaction number; must never decrease. */
interface EpochSeq {
  readonly epoch: number
  readonly seq: number
}

/** A version of a checkpoint, and the version that it replaced. */
export interface CheckpointVersion {
  readonly key: string
  readonly etag: string
  /** ETag of the version that the writer had read; `undefined`: there was none. */
  readonly replaces: string | undefined
  /** False when the store never answered the request: the version may exist or not. */
  readonly isConfirmed: boolean
  readonly claimEpoch: number
  /** The client index of the committed state: its generation, and the number of its next event. */
  readonly index: { readonly generation: number; readonly nextEvent: number }
  readonly committed: EpochSeq
  readonly pending: EpochSeq | undefined
  /** The start of the last completed live scan, and the number of the next event. */
  readonly scanned: { readonly startedAt: number; readonly nextEvent: number } | undefined
}

/** Parses a checkpoint write out of the traffic to the store; `undefined` for other requests and rejected writes. */
export function checkpointVersion({ method, path, ifMatch, body, status }: S3Exchange): CheckpointVersion | undefined {
  if (method !== 'PUT' || (status !== undefined && status !== 200)) return undefined
  const document = parsed(body)
  const { claim, committed, pending = null } = document ?? {}
  if (claim === undefined || committed === undefined) return undefined // wishes, or an access check (`.probe-…`)
  return {
    key: path,
    replaces: ifMatch?.replaceAll('"', ''),
    isConfirmed: status === 200,
    etag: createHash('md5').update(body).digest('hex'), // as stores compute it for single-part objects
    claimEpoch: claim.epoch,
    index: { generation: committed.state.index.generation, nextEvent: committed.state.nextEvent },
    committed: epochSeqOf(committed),
    pending: pending === null ? undefined : epochSeqOf(pending),
    scanned: completedScan(committed),
  }
}

/**
 * Each version must replace an existing one, no two may replace the same one, and neither the committed state nor the
 * claim may go back. The order is that of the store, by ETag, not that of the responses.
 */
export function checkpointProblems(versions: readonly CheckpointVersion[]): string[] {
  const known = new Map(versions.map((version) => [version.etag, version]))
  const followed = new Set<string | undefined>()
  return versions.flatMap((version) => {
    if (!version.isConfirmed) return []
    const name = `checkpoint ${textOf(version)}`
    const before = version.replaces === undefined ? undefined : known.get(version.replaces)
    if (version.replaces !== undefined && before === undefined) return [`${name} replaces an unknown version`]
    const isFork = followed.has(version.replaces)
    followed.add(version.replaces)
    if (isFork) return [`${name} replaces a version that was already replaced`]
    return before !== undefined && isBehind(version, before)
      ? [`${name} is older than ${textOf(before)}, which it replaces`]
      : []
  })
}

function isBehind(version: CheckpointVersion, before: CheckpointVersion): boolean {
  return version.claimEpoch < before.claimEpoch || isLess(version.committed, before.committed)
}

const isLess = (one: EpochSeq, other: EpochSeq) =>
  one.epoch === other.epoch ? one.seq < other.seq : one.epoch < other.epoch

const textOf = ({ claimEpoch, committed: { epoch, seq } }: CheckpointVersion) =>
  `${epoch}.${seq} of claim ${claimEpoch}`

function parsed(body: Buffer): Partial<CheckpointDocument> | undefined {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

/** Clients are complete only after the history, and not while a long live scan continues as catch-up. */
function completedScan({ state: { nextEvent, scans } }: CheckpointDocument['committed']) {
  const { live, background, history } = scans
  const isPartial = history.state !== 'done' || background.some(({ lane }) => lane === 'catch-up')
  if (live.startedAt === null || isPartial) return undefined
  return { startedAt: live.startedAt, nextEvent }
}

const epochSeqOf = ({ epoch, seq }: EpochSeq): EpochSeq => ({ epoch, seq })
