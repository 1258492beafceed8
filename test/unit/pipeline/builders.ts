import type { CommittedState } from '../../../connector/checkpoint/checkpoint-document.ts'
import { newStreamState, stateAfter } from '../../../connector/checkpoint/checkpoint-document.ts'
import type { OutgoingRecord } from '../../../connector/event/client-event.ts'
import { type ClientTable, clientTable } from '../../../connector/index/client-table.ts'
import { encodedEntriesOf } from '../../../connector/index/index-state.ts'
import type { PageGroup, PageGroupParts } from '../../../connector/pipeline/group/builder-state.ts'
import { pageGroupBuilder } from '../../../connector/pipeline/group/page-group.ts'
import type { TextRecord } from '../../support/records.ts'
import { groupParts } from '../stream/open/open-parts.ts'

/** Page group builders, with the state that their groups lead to. */

export const start: CommittedState = newStreamState

interface From {
  readonly state?: CommittedState
  readonly table?: ClientTable
}

export function building(more: Partial<PageGroupParts> = {}, { state = start, table = clientTable() }: From = {}) {
  let reached = state
  const parts = { ...groupParts(), ...more }
  const builder = pageGroupBuilder(parts, { state, table })
  const deliver = (group: PageGroup) => {
    table.setAll(encodedEntriesOf(group.change.entries))
    reached = stateAfter(reached, group.change)
    builder.onDelivered(group)
    return group
  }
  return {
    builder,
    table,
    /** The state after the delivered groups. */
    state: () => reached,
    deliver,
    /** Finishes and delivers the group that was built. */
    delivered: () => deliver(builder.finish()),
  }
}

type AnyRecord = OutgoingRecord | TextRecord

const parsed = ({ value }: AnyRecord) =>
  JSON.parse(String(value)) as { id: string; sequence: string; data: { Nom?: string } }
export const idsOf = (records: readonly AnyRecord[]) => records.map((record) => parsed(record).id)
export const namesOf = (records: readonly AnyRecord[]) => records.map((record) => parsed(record).data.Nom)
export const sequencesOf = (records: readonly AnyRecord[]) => records.map((record) => Number(parsed(record).sequence))
export const keysOf = (records: readonly AnyRecord[]) => records.map(({ key }) => key)
