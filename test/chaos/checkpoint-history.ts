import { createHash } from 'node:crypto'
import type { S3Exchange } from '../support/servers/s3-fault-proxy.ts'

/** A number that only grows: epoch first, then transaction. */
interface Place {
  readonly epoch: number
  readonly seq: number
}

/** A version of a stored document, and the one that it replaced. */
export interface CheckpointVersion {
  readonly key: string
  readonly etag: string
  /** The version that its writer had seen; `undefined`: none was there. */
  readonly replaces: string | undefined
  /** False where the store was asked and never answered: it may exist or not. */
  readonly isSure: boolean
  readonly claimEpoch: number
  readonly committed: Place
  readonly pending: Place | undefined
  /** Set between two drains: from when the next one reads, and how many events were told until then. */
  readonly drained: { readonly lastChanged: string; readonly events: number } | undefined
}

/** Reads a write of a checkpoint from what passed on the way to the store; `undefined` for anything else and for refused writes. */
export function checkpointVersion({ method, path, ifMatch, body, status }: S3Exchange): CheckpointVersion | undefined {
  if (method !== 'PUT' || (status !== undefined && status !== 200)) return undefined
  const document = parsed(body)
  if (document?.claim === undefined) return undefined // the probe of the store
  const { claim, committed, pending } = document
  return {
    ...{ key: path, replaces: ifMatch?.replaceAll('"', ''), isSure: status === 200 },
    etag: createHash('md5').update(body).digest('hex'), // what stores answer for an object of one part
    claimEpoch: claim.epoch,
    committed: placeOf(committed),
    pending: pending === null ? undefined : placeOf(pending),
    drained: drainedOf(committed),
  }
}

/**
 * Every version follows from one that was there, no two from the same one, and none goes back: neither what is committed nor the claim.
 * The order is that of the store, by ETag, whatever order the answers came in.
 */
export function checkpointProblems(versions: readonly CheckpointVersion[]): string[] {
  const known = new Map(versions.map((version) => [version.etag, version]))
  const followed = new Set<string | undefined>()
  return versions.flatMap((version) => {
    if (!version.isSure) return []
    const name = `checkpoint ${textOf(version)}`
    const before = version.replaces === undefined ? undefined : known.get(version.replaces)
    if (version.replaces !== undefined && before === undefined) return [`${name} replaces one that nobody wrote`]
    const isFork = followed.has(version.replaces)
    followed.add(version.replaces)
    if (isFork) return [`${name} replaces one that was replaced already`]
    return before !== undefined && isBehind(version, before) ? [`${name} goes back behind ${textOf(before)}`] : []
  })
}

function isBehind(version: CheckpointVersion, before: CheckpointVersion): boolean {
  return version.claimEpoch < before.claimEpoch || isLess(version.committed, before.committed)
}

const isLess = (one: Place, other: Place) => (one.epoch === other.epoch ? one.seq < other.seq : one.epoch < other.epoch)

const textOf = ({ claimEpoch, committed: { epoch, seq } }: CheckpointVersion) =>
  `${epoch}.${seq} of claim ${claimEpoch}`

interface StoredDocument {
  readonly claim?: { readonly epoch: number }
  readonly committed: Committed
  readonly pending: Place | null
}

interface Committed extends Place {
  readonly state: {
    readonly events: number
    readonly resume: { readonly lastChanged: string; readonly checkPoint: string | null }
  }
}

function parsed(body: Buffer): StoredDocument | undefined {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

function drainedOf({ state: { events, resume } }: Committed) {
  const { lastChanged, checkPoint } = resume
  return checkPoint === null ? { lastChanged, events } : undefined
}

const placeOf = ({ epoch, seq }: Place): Place => ({ epoch, seq })
