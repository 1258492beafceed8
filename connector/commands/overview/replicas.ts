import type * as z from 'zod'
import type { CheckpointDocument } from '../../checkpoint/checkpoint-document.ts'
import type { PauseRequest } from '../../control/control-document.ts'
import { pauseOf } from '../../control/requests.ts'
import type { GroupView } from '../../placement/placement.ts'
import { type Command, configOption, jsonOption, printOutput } from '../command.ts'
import { asOperator } from '../command-resources.ts'
import type { Screen } from '../output/screen.ts'
import { counted, isoTime, table } from '../output/text.ts'
import { type FoundCheckpoint, type FoundStreams, findStreams, ownerOf, unassignedRemark } from './find-streams.ts'
import { replicasShape } from './replicas-shape.ts'
import { type ReportedTrouble, troubleReported } from './stream-trouble.ts'

export const replicas: Command = {
  name: 'replicas',
  summary: 'show which replica runs which stream',
  usage:
    'Reads the members of the consumer group and the checkpoint of every stream. For each stream,\n' +
    'prints the replica that it is assigned to, the replica that opened it last, with epoch and time,\n' +
    'and whether it is paused, held, failing or runs nowhere. Changes nothing.\n' +
    'Exit code: 0 shown, 2 invalid configuration, 3 Kafka or S3 is unavailable.',
  options: { ...configOption, ...jsonOption },
  examples: ['replicas --config connector.yaml'],
  outputs: { '--json': replicasShape },
  run: (args, parts) =>
    asOperator(args, parts, async ({ config, shared }) => {
      const report = describedReplicas(config.connector, await findStreams(shared, parts, (view) => view))
      const json: Output = report
      printOutput(args, parts, { json, lines: () => replicaLines(report, parts.screen) })
      return 0
    }),
}

type Output = z.output<typeof replicasShape>
export interface ReplicasReport extends Omit<Output, 'group'> {
  readonly group: GroupView | null
}
type StreamOwner = ReplicasReport['streams'][number]

type Found = FoundStreams<GroupView | null, Pick<CheckpointDocument, 'claim'>>

export function describedReplicas(connector: string, { group, checkpoints, control }: Found): ReplicasReport {
  const streams = [...checkpoints].map(([stream, found]): StreamOwner => {
    const assignedTo = (group && ownerOf(stream, group)) ?? null
    const pause = pauseOf(control.document, stream)
    const trouble = troubleReported(stream, {
      document: control.document,
      owner: group === null ? undefined : assignedTo,
    })
    const remark = pause ? pauseRemark(pause, group, stream) : remarkOn(stream, { group, found, trouble })
    const claim = found.kind === 'document' ? claimOf(found.document.claim) : null
    return { stream, assignedTo, claim, ...(remark === undefined ? {} : { remark }) }
  })
  const { unreadable } = control
  return { connector, group, streams, ...(unreadable && { controlUnreadable: unreadable }) }
}

const claimOf = ({ owner, epoch, at }: CheckpointDocument['claim']) => ({
  owner,
  epoch,
  since: new Date(at).toISOString(),
})

interface Known {
  readonly group: GroupView | null
  readonly found: FoundCheckpoint<Pick<CheckpointDocument, 'claim'>>
  readonly trouble: ReportedTrouble | undefined
}

function remarkOn(stream: string, { group, found, trouble }: Known): string | undefined {
  if (trouble !== undefined) return `${trouble.state} since ${isoTime(trouble.since)}${codeText(trouble)}`
  if (found.kind === 'unreadable') return `checkpoint cannot be read: ${found.code}`
  if (group === null) return found.kind === 'none' ? 'never opened' : undefined
  const owner = ownerOf(stream, group)
  if (owner === undefined) return unassignedRemark(group)
  if (found.kind === 'none') return 'not opened yet'
  return found.document.claim.owner === owner ? undefined : 'not opened by this replica yet'
}

const codeText = ({ code }: ReportedTrouble) => (code === null ? '' : `: ${code}`)

function pauseRemark({ reason, progress }: PauseRequest, group: GroupView | null, stream: string): string {
  const pause = progress.kind === 'done' ? `paused: ${reason}` : `pause requested: ${reason}`
  const hasOwner = group === null || ownerOf(stream, group) !== undefined
  return hasOwner ? pause : `${pause}; ${unassignedRemark(group)}`
}

/** The report as tables for a terminal. */
export function replicaLines(
  { connector, group, streams, controlUnreadable }: ReplicasReport,
  { paint }: Pick<Screen, 'paint'>,
): string[] {
  const header = ['STREAM', 'ASSIGNED TO', 'OPENED BY', 'EPOCH', 'SINCE', ''].map((name) => paint('bold', name))
  const rows = streams.map(({ stream, assignedTo, claim, remark }) => [
    stream,
    assignedTo ?? '–',
    claim?.owner ?? '–',
    String(claim?.epoch ?? '–'),
    claim?.since ?? '–',
    paint('yellow', remark ?? ''),
  ])
  return [
    ...groupLines(connector, group, { paint }),
    '',
    ...table([header, ...rows]),
    ...(controlUnreadable === undefined
      ? []
      : [paint('yellow', `control object cannot be read: ${controlUnreadable} → run polaris-connector doctor`)]),
  ]
}

const stateText = (state: string) => (/Rebalance$/.test(state) ? 'rebalancing' : state.toLowerCase())

function groupLines(connector: string, group: GroupView | null, { paint }: Pick<Screen, 'paint'>): string[] {
  if (group === null) return [`connector ${connector}: PLACEMENT=single, no consumer group`]
  const { state, slots, members } = group
  // Kafka calls the group `Empty`, or `Dead` if it does not exist.
  if (members.length === 0) return [`group ${connector}: ${paint('yellow', 'no replica is running')}`]
  const rows = members.map(({ replica, host, slots: held, streams }) => [
    replica,
    host,
    String(held.length),
    streams.length === 0 ? '– (standby)' : streams.join(', '),
  ])
  return [
    `group ${connector}: ${stateText(state)}, ${counted(members.length, 'replica')}, ${counted(slots, 'slot')}`,
    ...table([['REPLICA', 'HOST', 'SLOTS', 'STREAMS'].map((name) => paint('bold', name)), ...rows]),
  ]
}
