import type * as z from 'zod'
import { type CheckpointDocument, parseDocument } from '../checkpoint/checkpoint-document.ts'
import { viewReplicas } from '../compose/compose-placement.ts'
import { streamObject } from '../compose/compose-stream.ts'
import type { SharedResources } from '../compose/shared-resources.ts'
import type { StreamConfig } from '../config/connector-config.ts'
import type { PauseRequest } from '../control/control-document.ts'
import { pauseOf } from '../control/requests.ts'
import { checkProgress } from '../inspect/doctor/check-progress.ts'
import { shortTimeouts } from '../kafka/kafka-config.ts'
import { differenceText } from '../placement/hashed-settings.ts'
import type { GroupMemberView, GroupView } from '../placement/placement.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { type Command, type CommandParts, configOption, jsonOption, printOutput } from './command.ts'
import { asOperator } from './command-resources.ts'
import { type FoundControl, findControl } from './control/found-control.ts'
import { replicasShape } from './output/replicas-shape.ts'
import type { Screen } from './output/screen.ts'
import { elapsedText, showingProgress } from './output/shown-progress.ts'
import { counted, table } from './output/text.ts'

export const replicas: Command = {
  name: 'replicas',
  summary: 'show which replica runs which stream',
  usage:
    'Reads the members of the consumer group and the checkpoint of every stream. For each stream,\n' +
    'prints the replica that it is assigned to, the replica that opened it last, with epoch and time,\n' +
    'and whether it is paused or runs nowhere. Changes nothing.\n' +
    'Exit code: 0 shown, 2 invalid configuration, 3 Kafka or S3 is unavailable.',
  options: { ...configOption, ...jsonOption },
  examples: ['replicas --config connector.yaml'],
  outputs: { '--json': replicasShape },
  run: (args, parts) =>
    asOperator(args, parts, async ({ config, shared }) => {
      const report = describedReplicas(config.connector, await findAll(shared, parts))
      const json: Output = report
      printOutput(args, parts, { json, lines: () => replicaLines(report, parts.screen) })
      return 0
    }),
}

async function findAll(shared: SharedResources, parts: CommandParts): Promise<Found> {
  const { config, clock } = shared
  const { stop } = parts
  const { during, inProgress } = checkProgress()
  const inTime = { ...config, kafka: { ...config.kafka, timeouts: shortTimeouts(config.kafka.timeouts) } }
  const found = Promise.all([
    during(`Kafka at ${config.kafka.brokers.join(', ')}`, null, () =>
      viewReplicas({ ...shared, config: inTime }, stop),
    ),
    during('the control object', null, () => findControl(shared, stop)),
    during('the checkpoints', null, () => Promise.all(config.streams.map((stream) => findClaim(stream, shared, stop)))),
  ])
  const text = (elapsedMs: number) => `waiting for ${inProgress().join(' and ')} ${elapsedText(elapsedMs)}`
  const [group, control, claims] = await showingProgress(found, { output: parts, text, clock })
  return { group, control, claims: new Map(claims) }
}

/** An unreadable document is a value; an unavailable store fails the command. */
async function findClaim(
  stream: StreamConfig,
  shared: SharedResources,
  stop: AbortSignal,
): Promise<[string, FoundClaim]> {
  const stored = await streamObject(stream, shared).read(stop)
  if (stored === undefined) return [stream.name, { kind: 'none' }]
  try {
    return [stream.name, { kind: 'claim', claim: parseDocument(stored.text).claim }]
  } catch (error) {
    return [stream.name, { kind: 'unreadable', code: codeOf(error) }]
  }
}

/** The claim in a stream's checkpoint. */
export type FoundClaim =
  | { readonly kind: 'claim'; readonly claim: CheckpointDocument['claim'] }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly code: ErrorCode }

type Output = z.output<typeof replicasShape>
export interface ReplicasReport extends Omit<Output, 'group'> {
  readonly group: GroupView | null
}
type StreamOwner = ReplicasReport['streams'][number]

/** What the report is made of: the group in Kafka, the claims in the checkpoints, and the control object. */
interface Found {
  readonly group: GroupView | null
  readonly claims: ReadonlyMap<string, FoundClaim>
  readonly control: FoundControl
}

export function describedReplicas(connector: string, { group, claims, control }: Found): ReplicasReport {
  const streams = [...claims].map(([stream, found]): StreamOwner => {
    const assignedTo = (group && ownerOf(stream, group)) ?? null
    const pause = pauseOf(control.document, stream)
    const remark = pause ? pauseRemark(pause, group, stream) : remarkOn(stream, group, found)
    const claim = found.kind === 'claim' ? claimOf(found.claim) : null
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

function remarkOn(stream: string, group: GroupView | null, found: FoundClaim): string | undefined {
  if (found.kind === 'unreadable') return `checkpoint cannot be read: ${found.code}`
  if (group === null) return found.kind === 'none' ? 'never opened' : undefined
  const owner = ownerOf(stream, group)
  if (owner === undefined) return unassignedRemark(stream, group)
  if (found.kind === 'none') return 'not opened yet'
  return found.claim.owner === owner ? undefined : 'not opened by this replica yet'
}

function unassignedRemark(stream: string, { state, members }: GroupView): string {
  const unaware = members.find(({ unknownStreams = [] }) => unknownStreams.includes(stream))
  if (unaware !== undefined)
    return `runs nowhere: ${unaware.replica} has its slot, but not the stream in its configuration`
  return members.length > 0 && state !== 'Stable' ? 'group is rebalancing' : 'no replica runs it'
}

function pauseRemark({ reason, progress }: PauseRequest, group: GroupView | null, stream: string): string {
  const pause = progress.kind === 'done' ? `paused: ${reason}` : `pause requested: ${reason}`
  const hasOwner = group === null || ownerOf(stream, group) !== undefined
  return hasOwner ? pause : `${pause}; ${unassignedRemark(stream, group)}`
}

const ownerOf = (stream: string, group: GroupView) =>
  group.members.find(({ streams }) => streams.includes(stream))?.replica

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
    ...(group?.members ?? []).flatMap(differenceLine).map((line) => paint('yellow', line)),
    ...(controlUnreadable === undefined
      ? []
      : [paint('yellow', `control object cannot be read: ${controlUnreadable} → run polaris-connector doctor`)]),
  ]
}

function differenceLine({ replica, difference }: GroupMemberView): string[] {
  return difference === undefined
    ? []
    : [`warning: ${replica} has another configuration than this command: ${differenceText(difference)}`]
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
