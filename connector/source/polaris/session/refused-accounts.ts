import type { Clock } from '../../../runtime/clock.ts'
import type { ConnectorError } from '../../../runtime/connector-error.ts'
import { type Semaphore, semaphore } from '../../../runtime/semaphore.ts'

/** User and password; getters re-read them at each use where they come from files. */
export interface Account {
  readonly user: string
  readonly password: string
}

/** A refused password is not tried again for this time, so that the account is not locked. */
export const REFUSED_MS = 30 * 60_000

/** Refused accounts by server and user; shared by all streams of a process, so that logins do not lock an account. */
export interface RefusedAccounts {
  /**
   * Logs in with the present account; with the new password, if it changed while the old one was refused. A refused
   * password is not tried before `againAfterMs`; until then, calls reject with that refusal. Logins run one at a time.
   * Rejects with what `exchange` throws, or with the reason of `stop`.
   */
  logIn<Result>(login: Login<Result>, stop: AbortSignal): Promise<Result>
}

interface Login<Result> {
  /** The address of the server. */
  readonly server: string
  /** The present one. */
  readonly account: () => Account
  /** Each call carries the account: once that is accepted, they run at the same time. */
  readonly isEachCall: boolean
  readonly exchange: (account: Account) => Promise<LoginOutcome<Result>>
}

/** A failure that says nothing of the password is thrown. */
export type LoginOutcome<Result> =
  | { readonly kind: 'accepted'; readonly result: Result }
  | { readonly kind: 'refused'; readonly error: ConnectorError; readonly againAfterMs: number }

interface KnownAccount {
  readonly oneAtATime: Semaphore
  accepted?: string
  refused?: { readonly password: string; readonly error: ConnectorError; readonly until: number }
}

export function refusedAccounts(clock: Clock): RefusedAccounts {
  const accounts = new Map<string, KnownAccount>()
  const knownOf = (server: string, user: string): KnownAccount => {
    const name = `${server}\n${user}`
    const known = accounts.get(name) ?? { oneAtATime: semaphore(1) }
    accounts.set(name, known)
    return known
  }
  return {
    logIn: async ({ server, account, isEachCall, exchange }, stop) => {
      for (;;) {
        const { user, password } = account()
        const known = knownOf(server, user)
        const isAccepted = () => isEachCall && known.accepted === password
        using permit = isAccepted() ? undefined : await known.oneAtATime.acquire(stop)
        if (isAccepted()) permit?.[Symbol.dispose]()
        const { refused } = known
        if (refused?.password === password && clock.monotonic() < refused.until) throw refused.error
        const outcome = await exchange({ user, password })
        if (outcome.kind === 'accepted') {
          known.accepted = password
          return outcome.result
        }
        const present = account()
        if (present.user !== user || present.password !== password) continue
        if (known.accepted === password) delete known.accepted
        const { error, againAfterMs } = outcome
        known.refused = { password, error, until: clock.monotonic() + againAfterMs }
        throw error
      }
    },
  }
}
