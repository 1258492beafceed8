import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { viewReplicas } from '../../compose/compose-placement.ts'
import { streamObject } from '../../compose/compose-stream.ts'
import type { SharedResources } from '../../compose/shared-resources.ts'
import type { StreamConfig } from '../../config/connector-config.ts'
import { checkProgress } from '../../inspect/doctor/check-progress.ts'
import { shortTimeouts } from '../../kafka/kafka-config.ts'
import type { GroupView } from '../../placement/placement.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { CommandParts } from '../command.ts'
import { type FoundControl, findControl } from '../control/found-control.ts'
import { elapsedText, showingProgress } from '../output/shown-progress.ts'

/** The checkpoint of a stream. */
export type FoundCheckpoint<Document = CheckpointDocument> =
  | { readonly kind: 'document'; readonly document: Document }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly code: ErrorCode }

/** The group in Kafka, the checkpoints, and the control object. */
export interface FoundStreams<Group, Document = CheckpointDocument> {
  readonly group: Group
  readonly checkpoints: ReadonlyMap<string, FoundCheckpoint<Document>>
  readonly control: FoundControl
}

/** Reads all three; `groupView` also says what follows if Kafka does not answer. Rejects with `storage.*` or as it does. */
export async function findStreams<Group>(
  shared: SharedResources,
  parts: Pick<CommandParts, 'stop' | 'showProgress' | 'printError'>,
  groupView: (view: Promise<GroupView | null>) => Promise<Group>,
): Promise<FoundStreams<Group>> {
  const { config, clock } = shared
  const { stop } = parts
  const { during, inProgress } = checkProgress()
  const inTime = { ...config, kafka: { ...config.kafka, timeouts: shortTimeouts(config.kafka.timeouts) } }
  const found = Promise.all([
    during(`Kafka at ${config.kafka.brokers.join(', ')}`, null, () =>
      groupView(viewReplicas({ ...shared, config: inTime }, stop)),
    ),
    during('the control object', null, () => findControl(shared, stop)),
    during('the checkpoints', null, () =>
      Promise.all(config.streams.map((stream) => findCheckpoint(stream, shared, stop))),
    ),
  ])
  const text = (elapsedMs: number) => `waiting for ${inProgress().join(' and ')} ${elapsedText(elapsedMs)}`
  const [group, control, checkpoints] = await showingProgress(found, { output: parts, text, clock })
  return { group, control, checkpoints: new Map(checkpoints) }
}

/** An unreadable document is a value; an unavailable store fails the command. */
async function findCheckpoint(
  stream: StreamConfig,
  shared: SharedResources,
  stop: AbortSignal,
): Promise<[string, FoundCheckpoint]> {
  const stored = await streamObject(stream, shared).read(stop)
  if (stored === undefined) return [stream.name, { kind: 'none' }]
  try {
    return [stream.name, { kind: 'document', document: parseDocument(stored.text) }]
  } catch (error) {
    return [stream.name, { kind: 'unreadable', code: codeOf(error) }]
  }
}

/** The replica that has the slot of a stream. */
export const ownerOf = (stream: string, { members }: GroupView): string | undefined =>
  members.find(({ streams }) => streams.includes(stream))?.replica

/** Why no replica runs a stream that is to run. */
export function unassignedRemark({ state, members }: GroupView): string {
  return members.length > 0 && state !== 'Stable' ? REBALANCING : 'no replica runs it'
}

export const REBALANCING = 'group is rebalancing'
