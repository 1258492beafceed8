import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { GroupMemberView } from './group-view.ts'

/** What the group placement tells about itself. */
export type PlacementEvent =
  /** A new assignment; without streams this replica is a standby. `kept` of the slots it had before. */
  | {
      readonly kind: 'group-joined'
      readonly slots: readonly number[]
      readonly kept: number
      readonly streams: readonly string[]
      readonly tookMs: number
    }
  /** All members of the group as it was shared out last, this replica among them. */
  | { readonly kind: 'group-seen'; readonly members: readonly GroupMemberView[] }
  /** Nothing was heard of the group for longer than the session: others may have the streams. Until it has joined again, none is opened. */
  | { readonly kind: 'session-expired'; readonly silentMs: number }
  /** The membership broke. It is built anew for ever; the same trouble is told once. */
  | { readonly kind: 'group-broken'; readonly code: ErrorCode; readonly error: unknown }
  /** It holds again, after so many tries. */
  | { readonly kind: 'group-rebuilt'; readonly tries: number; readonly tookMs: number }
  | { readonly kind: 'group-left' }
