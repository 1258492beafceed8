import type { CheckpointDocument } from '../checkpoint/checkpoint-document.ts'
import type { GroupView } from '../placement/group-view.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'

/** What the checkpoint document of a stream says of its owner. */
export type FoundClaim =
  | { readonly kind: 'claim'; readonly claim: CheckpointDocument['claim'] }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly code: ErrorCode }

export interface StreamOwner {
  readonly stream: string
  /** The replica whose slot it is; null: nobody's, or there is no group. */
  readonly assignedTo: string | null
  /** Who opened it last. */
  readonly claim: { readonly owner: string; readonly epoch: number; readonly since: string } | null
  /** What does not go by itself, or not yet. */
  readonly remark?: string
}

export interface ReplicasReport {
  readonly connector: string
  /** null: `PLACEMENT=single`. */
  readonly group: GroupView | null
  readonly streams: readonly StreamOwner[]
}

/** Puts together what Kafka and the checkpoints say. */
export function describedReplicas(
  connector: string,
  group: GroupView | null,
  claims: ReadonlyMap<string, FoundClaim>,
): ReplicasReport {
  const streams = [...claims].map(([stream, found]): StreamOwner => {
    const owner = group?.members.find((member) => member.streams.includes(stream))
    const assignedTo = owner?.replica ?? null
    const remark = remarkOn(group, assignedTo, found)
    const claim = found.kind === 'claim' ? claimOf(found.claim) : null
    return { stream, assignedTo, claim, ...(remark === undefined ? {} : { remark }) }
  })
  return { connector, group, streams }
}

const claimOf = ({ owner, epoch, at }: CheckpointDocument['claim']) => ({
  ...{ owner, epoch, since: new Date(at).toISOString() },
})

function remarkOn(group: GroupView | null, assignedTo: string | null, found: FoundClaim): string | undefined {
  if (found.kind === 'unreadable') return `its checkpoint cannot be read: ${found.code}`
  if (group === null) return found.kind === 'none' ? 'never opened' : undefined
  if (assignedTo === null) {
    return group.members.length > 0 && group.state !== 'Stable' ? 'being shared out at the moment' : 'nobody runs it'
  }
  if (found.kind === 'none') return 'not opened yet'
  return found.claim.owner === assignedTo ? undefined : 'not opened by this replica yet'
}

/** For a person to read. */
export function replicaLines({ connector, group, streams }: ReplicasReport): string[] {
  const header = ['STREAM', 'ASSIGNED TO', 'OPENED BY', 'EPOCH', 'SINCE', '']
  const rows = streams.map(({ stream, assignedTo, claim, remark }) => [
    ...[stream, assignedTo ?? '–', claim?.owner ?? '–', String(claim?.epoch ?? '–'), claim?.since ?? '–'],
    remark ?? '',
  ])
  return [...groupLines(connector, group), '', ...table([header, ...rows])]
}

function groupLines(connector: string, group: GroupView | null): string[] {
  if (group === null) return [`connector ${connector}: PLACEMENT=single, no group`]
  const { state, slots, members } = group
  const rows = members.map(({ replica, host, slots: held, streams }) => [
    ...[replica, host, String(held.length), streams.length === 0 ? '– (standby)' : streams.join(', ')],
  ])
  return [
    `group ${connector}: ${state}, ${members.length} replica${members.length === 1 ? '' : 's'}, ${slots} slots`,
    ...(rows.length === 0 ? [] : table([['REPLICA', 'HOST', 'SLOTS', 'STREAMS'], ...rows])),
  ]
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
