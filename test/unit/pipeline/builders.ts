import { beginning, type StreamState, stateAfter } from '../../../connector/checkpoint/stream-state.ts'
import { noStreamRequests } from '../../../connector/control/stream-requests.ts'
import type { OutgoingRecord } from '../../../connector/event/client-event.ts'
import { type ClientTable, clientTable } from '../../../connector/index/client-table.ts'
import { deltaWords, withRules } from '../../../connector/index/index-state.ts'
import type { Feature, OpenedStream } from '../../../connector/pipeline/features/part.ts'
import type { PageGroup, PageGroupParts } from '../../../connector/pipeline/group/building.ts'
import type { OpenGroup } from '../../../connector/pipeline/group/open-group.ts'
import { pageGroupBuilder } from '../../../connector/pipeline/group/page-group.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import type { TextRecord } from '../../support/records.ts'
import { noon } from '../scan/scans.ts'
import { groupParts, indexRules } from '../stream/open/open-parts.ts'

/** Page group builders, with the state that their groups lead to. */

export const start: StreamState = { ...beginning, index: withRules(beginning.index, indexRules, 0) }

interface From {
  readonly state?: StreamState
  readonly table?: ClientTable
}

interface More extends Partial<PageGroupParts & Pick<OpenedStream, 'requests'>> {
  readonly features?: readonly Feature[]
}

export function building(more: More = {}, { state = start, table = clientTable() }: From = {}) {
  const { features = [], requests = noStreamRequests, ...settings } = more
  const events: PipelineEvent[] = []
  let reached = state
  const clock = virtualClock(noon)
  const parts = { ...groupParts(), observe: (event: PipelineEvent) => events.push(event), requests, ...settings }
  const shared = { ...parts, clock }
  const checkpoint = { state: () => reached, table }
  const openParts = (group: OpenGroup) =>
    features.map(({ name, open }) => open({ ...shared, checkpoint, group, stored: state.parts[name] }))
  const builder = pageGroupBuilder(parts, { state, table, openParts })
  const deliver = (group: PageGroup) => {
    const records = group.records
    table.setAll(deltaWords(group.change.entries))
    reached = stateAfter(reached, group.change)
    builder.delivered(group)
    for (const part of group.parts) part.delivered()
    return { ...group, records }
  }
  return {
    builder,
    clock,
    table,
    events,
    of: (kind: PipelineEvent['kind']) => events.filter((event) => event.kind === kind),
    /** The state after the delivered groups. */
    state: () => reached,
    /** Returns the group with the texts of its values, which are freed. */
    deliver,
    /** Finishes and delivers the group that was built. */
    delivered: () => deliver(builder.finish()),
  }
}

/** What the parts report once the group is delivered. */
export const reportsOf = <Kind extends PipelineEvent['kind']>({ parts }: Pick<PageGroup, 'parts'>, kind: Kind) =>
  parts
    .flatMap(({ events }) => events)
    .filter((event): event is Extract<PipelineEvent, { kind: Kind }> => event.kind === kind)

type AnyRecord = OutgoingRecord | TextRecord

const parsed = ({ value }: AnyRecord) =>
  JSON.parse(String(value)) as { id: string; sequence: string; data: { Nom?: string } }
export const idsOf = (records: readonly AnyRecord[]) => records.map((record) => parsed(record).id)
export const namesOf = (records: readonly AnyRecord[]) => records.map((record) => parsed(record).data.Nom)
export const sequencesOf = (records: readonly AnyRecord[]) => records.map((record) => Number(parsed(record).sequence))
export const keysOf = (records: readonly AnyRecord[]) => records.map(({ key }) => key)
