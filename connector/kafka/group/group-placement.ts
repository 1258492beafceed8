import type { Placement, PlacementEvent } from '../../placement/placement.ts'
import { groupDefaults, slotsTopic } from '../../placement/placement-config.ts'
import { codeOf, isTransient } from '../../runtime/connector-error.ts'
import { pauseAfterError } from '../../runtime/retry.ts'
import { hasKafkaError } from '../kafka-errors.ts'
import { beMember, type MemberParts } from './group-member.ts'
import { streamsIn } from './sticky-assigner.ts'

interface GroupPlacementParts extends Omit<MemberParts, 'group' | 'topic' | 'ownedSlots' | 'onJoined'> {
  /** The consumer group has this name, too. */
  readonly connector: string
  readonly observe: (event: PlacementEvent) => void
}

/** Places streams by a consumer group on the slots topic, which is never read. Connects when `run` is called. */
export const groupPlacement = (parts: GroupPlacementParts): Placement => ({
  run: (onChange, stop) => stayMember(parts, onChange, stop),
})

/** Joins the group, and rejoins whenever the membership is lost, until `stop` aborts. */
async function stayMember(parts: GroupPlacementParts, onChange: Parameters<Placement['run']>[0], stop: AbortSignal) {
  const { clock, connector, streams, observe } = parts
  const { rejoin: policy } = groupDefaults
  const failures = membershipFailures(parts)
  let ownedSlots: readonly number[] = []
  const onJoined: MemberParts['onJoined'] = (slots, slotCount, tookMs) => {
    failures.onJoined()
    ownedSlots = slots
    const assigned = streamsIn(slots, streams, slotCount)
    observe({ kind: 'group-joined', slots, streams: [...assigned], tookMs })
    onChange(assigned)
  }
  const member = { ...parts, group: connector, topic: slotsTopic(connector), ownedSlots: () => ownedSlots, onJoined }
  while (!stop.aborted) {
    try {
      await beMember(member, stop)
    } catch (error) {
      if (stop.aborted) break
      const attempts = failures.countFailure(error)
      // An account with a wrong password may be locked by many logins.
      const floorMs = hasKafkaError(error, 'SASL_AUTHENTICATION_FAILED') ? policy.rejectedMs : 0
      await clock.sleep(Math.max(floorMs, pauseAfterError(error, attempts, { policy, clock })), stop).catch(() => {})
    }
  }
  observe({ kind: 'group-left' })
}

/**
 * Reports each failure once until the replica has joined again. Transient failures with one code are the same failure,
 * others those with one message. A transient failure of the first attempt is not reported, since a coordinator may be
 * loading.
 */
export function membershipFailures({ clock, observe }: Pick<GroupPlacementParts, 'clock' | 'observe'>) {
  let attempts = 0
  let since = 0
  const reported = new Set<string>()
  return {
    /** Counts a failed attempt. Returns the attempts since the last successful join. */
    countFailure: (error: unknown): number => {
      if (attempts === 0) since = clock.monotonic()
      attempts += 1
      const code = codeOf(error)
      const failure = isTransient(error) ? code : String(error)
      if (reported.has(failure) || (attempts === 1 && isTransient(error))) return attempts
      reported.add(failure)
      observe({ kind: 'membership-lost', code, error })
      return attempts
    },
    onJoined: () => {
      if (reported.size > 0) observe({ kind: 'membership-restored', attempts, tookMs: clock.monotonic() - since })
      attempts = 0
      reported.clear()
    },
  }
}
