import type { Clock } from '../runtime/clock.ts'
import type { ClaimedStream } from './claimed-stream.ts'
import { type Delivery, type DeliveryTime, deliverBy, withDeadline } from './deliver.ts'
import type { Group } from './group.ts'
import type { Observe, PipelineEvent } from './pipeline-event.ts'
import { saveRhythm } from './save-rhythm.ts'

/** A group, and what is told once it is delivered. */
export interface FinishedGroup {
  readonly group: Group
  readonly told: readonly PipelineEvent[]
}

/** Brings group after group to Kafka and into the checkpoint. */
export interface GroupDelivery {
  /** Resolves once the group is done; after a rejection the stream has to be opened again. */
  deliver(finished: FinishedGroup): Promise<void>
  /** Invariant 6: what was delivered is saved, and the truth stands alone in the document. */
  save(): Promise<void>
}

export interface GroupDeliveryParts extends DeliveryTime {
  readonly clock: Clock
  readonly delivery: Delivery
  /** A poll that brings nothing new is saved this often at most. */
  readonly savePeriodMs: number
  readonly observe: Observe
}

export function groupDelivery(parts: GroupDeliveryParts, stream: ClaimedStream): GroupDelivery {
  const { clock, observe } = parts
  const rhythm = saveRhythm(clock, parts.savePeriodMs)
  let reached = stream.checkpoint.state()

  const save = async () => {
    await withDeadline(parts, (finish) => stream.checkpoint.save(reached, finish))
    rhythm.saved()
  }
  const publish = async (group: Group) => {
    const open = await stream.withSession(parts.giveUp)
    await withDeadline(parts, (finish) => deliverBy[parts.delivery](group, open, finish))
    rhythm.saved()
  }
  const pass = async () => {
    const rests = reached.resume.drain === 'due' && stream.isIdle()
    if (rests || rhythm.isDue(stream.checkpoint.state().resume)) await save()
    if (!rests) return
    await stream.closeSession()
    observe({ kind: 'session-closed' })
  }
  return {
    deliver: async ({ group, told }) => {
      const began = clock.monotonic()
      reached = group.after
      await (group.records.length > 0 ? publish(group) : pass())
      observe(published(group, { tookMs: clock.monotonic() - began, seq: stream.checkpoint.seq() }))
      for (const event of told) observe(event)
    },
    save,
  }
}

function published(group: Group, done: { tookMs: number; seq: number }): PipelineEvent {
  const { pages, deadLetters, suppressed, size, records } = group
  const events = records.length - deadLetters
  return { kind: 'group-published', pages, events, deadLetters, suppressed, bytes: size, ...done }
}
