import type { CheckpointDocument } from '../../checkpoint/checkpoint-document.ts'
import type { StreamConfig } from '../../config/connector-config.ts'
import { pauseOf } from '../../control/requests.ts'
import type { GroupView } from '../../placement/placement.ts'
import { positionOf, shareDone } from '../../scan/scan-order.ts'
import type { Scan, ScanKind, ScanStates } from '../../scan/scan-state.ts'
import { type FoundCheckpoint, type FoundStreams, ownerOf, REBALANCING, unassignedRemark } from './find-streams.ts'
import { type ReportedTrouble, troubleReported } from './stream-trouble.ts'

/** The state of a stream; also each state that a replica may report of a stream that it cannot run as it should. */
export interface StreamOverview {
  readonly stream: string
  readonly state: string
  readonly needsAttention: boolean
  readonly code: string | null
  /** Milliseconds since 1970; null: unknown. */
  readonly since: number | null
  /** Age of the last completed live scan, as far as it is saved. */
  readonly lagMs: number | null
  /** The background scans in progress; `share`: 0 to 1; null: unknown. */
  readonly scans: readonly { readonly scan: ScanKind; readonly clients: number; readonly share: number | null }[]
  readonly replica: string | null
  readonly remark: string | null
}

/** `unreachable`: Kafka did not answer. Null: `PLACEMENT=single`. */
export type SeenGroup = GroupView | null | 'unreachable'

type Standing = Pick<StreamOverview, 'state' | 'needsAttention' | 'code' | 'since' | 'remark'>
const calm = { needsAttention: false, code: null, since: null, remark: null } as const
const alarming = { ...calm, needsAttention: true } as const

interface Now {
  /** Milliseconds since 1970. */
  readonly now: number
  /** How long a stream may save nothing. */
  readonly quietMs: number
}

/** Pure. */
export function streamOverview(stream: StreamConfig, found: FoundStreams<SeenGroup>, at: Now): StreamOverview {
  const { name } = stream
  const { group, control, checkpoints } = found
  const isKnown = group !== null && group !== 'unreachable'
  const owner = isKnown ? (ownerOf(name, group) ?? null) : undefined
  const checkpoint = checkpoints.get(name) ?? { kind: 'none' }
  const document = checkpoint.kind === 'document' ? checkpoint.document : undefined
  const scans = document && scansOf(document)
  const trouble = troubleReported(name, { document: control.document, owner })
  const pause = pauseOf(control.document, name)
  const paused = pause && { ...calm, state: 'paused', since: pause.requestedAt, remark: pause.reason }
  const unassigned = isKnown && owner === null ? unassignedStanding(unassignedRemark(group)) : undefined
  const standing =
    paused ?? unassigned ?? (trouble && troubleStanding(trouble)) ?? standingOf(checkpoint, { owner, ...at })
  return {
    stream: name,
    ...standing,
    lagMs: lagOf(scans, at.now),
    scans: scans === undefined ? [] : scansIn(scans, stream.poll.timeZone, at.now),
    replica: owner === undefined ? (document?.claim.owner ?? null) : owner,
  }
}

const unassignedStanding = (remark: string): Standing =>
  remark === REBALANCING ? { ...calm, state: 'rebalancing' } : { ...alarming, state: 'unassigned', remark }

/** States that say what is wrong; in any other one, the stream should make progress. */
const named = ['held', 'source-down', 'source-refuses', 'throttled', 'group-unreachable']

function troubleStanding({ state, code, since }: ReportedTrouble): Standing {
  return { ...alarming, state: named.includes(state) ? state : 'failing', code, since }
}

interface Owned extends Now {
  readonly owner: string | null | undefined
}

function standingOf(found: FoundCheckpoint, { owner, now, quietMs }: Owned): Standing {
  if (found.kind === 'unreadable') return { ...alarming, state: 'unreadable', code: found.code }
  if (found.kind === 'none') return { ...calm, state: 'new', remark: 'never opened' }
  const { claim } = found.document
  if (owner !== undefined && claim.owner !== owner) return { ...calm, state: 'opening' }
  const savedAt = lastSaved(found.document)
  return now - savedAt > quietMs
    ? { ...alarming, state: 'stalled', since: savedAt, remark: 'its replica saves nothing: does it run?' }
    : { ...calm, state: 'running', since: claim.at }
}

/** The last time in the document that is of its writer's clock. */
function lastSaved({ claim, committed, pending }: CheckpointDocument): number {
  return Math.max(claim.at, committed.at, pending?.at ?? 0, committed.state.scans.live.startedAt ?? 0)
}

function lagOf(scans: ScanStates | undefined, now: number): number | null {
  const startedAt = scans?.live.startedAt ?? null
  return startedAt === null ? null : Math.max(0, now - startedAt)
}

/** Of the pending state, if there is one: it is almost always decided, and recorded as committed up to a minute later. */
const scansOf = ({ pending, committed }: CheckpointDocument): ScanStates => (pending?.change ?? committed.state).scans

function scansIn({ background }: ScanStates, timeZone: string, now: number): StreamOverview['scans'] {
  return background.map((scan) => ({ scan: scan.kind, clients: scan.clients, share: shareOf(scan, timeZone, now) }))
}

function shareOf(scan: Scan, timeZone: string, now: number): number | null {
  return positionOf(scan.order) === null ? null : (shareDone(scan, now, timeZone) ?? null)
}
