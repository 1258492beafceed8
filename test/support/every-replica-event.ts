import { codeOf } from '../../connector/runtime/connector-error.ts'
import type { ReplicaEvent } from '../../connector/telemetry/replica-status.ts'

type Every = { readonly [K in ReplicaEvent['kind']]: Extract<ReplicaEvent, { kind: K }> }

/** One replica event of each kind; those that carry an error carry `error`. */
export function everyReplicaEvent(error: unknown): ReplicaEvent[] {
  const every: Every = {
    'group-joined': { kind: 'group-joined', slots: [1, 5], streams: ['shop'], tookMs: 300 },
    'membership-lost': { kind: 'membership-lost', code: codeOf(error), error },
    'membership-restored': { kind: 'membership-restored', attempts: 3, tookMs: 9000 },
    'group-left': { kind: 'group-left' },
    'assignment-changed': { kind: 'assignment-changed', streams: 2, gained: ['shop'], lost: ['mall'] },
  }
  return Object.values(every)
}
