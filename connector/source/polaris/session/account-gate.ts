import type { Clock } from '../../../runtime/clock.ts'
import type { ConnectorError } from '../../../runtime/connector-error.ts'
import { type Semaphore, semaphore } from '../../../runtime/semaphore.ts'

/** User and password; getters re-read them at each use where they come from files. */
export interface Account {
  readonly user: string
  readonly password: string
}

/** A refused account is not tried again for this time, so that it is not locked. */
export const REFUSED_MS = 30 * 60_000

/**
 * Every login of a stream goes through its gate. All gates of a process share what is known of an account (server, user
 * and password): it is unproved, proved, or refused.
 */
export interface AccountGate {
  /**
   * Logs in with the present account; with the new one, if it changed while the old one was refused. A refused account
   * is not tried before `againAfterMs`; until then, calls reject with that refusal. Logins run one at a time. Rejects
   * with what `exchange` throws, or with the reason of `stop`.
   */
  logIn<Result>(login: Login<Result>, stop: AbortSignal): Promise<Result>
  /**
   * Lets each refused account of this stream be tried once more, by whichever stream comes first. A session of this
   * stream that has returned no page counts as none.
   */
  allowOneTry(): void
}

interface Login<Result> {
  /** The address of the server. */
  readonly server: string
  /** The present one. */
  readonly account: () => Account
  /** Each call carries the account: once that is proved, they run at the same time. */
  readonly isEachCall: boolean
  /** Is called with the same object until the account changes, or one try is allowed. */
  readonly exchange: (account: Account, isProved: boolean) => Promise<LoginOutcome<Result>>
}

/**
 * Only a page, or a tunnel of a proxy, is a proof: a server may accept any password. A failure that says nothing of the
 * account is thrown, or `accepted`.
 */
export type LoginOutcome<Result> = { readonly kind: 'proved' | 'accepted'; readonly result: Result } | Refusal

interface Refusal {
  readonly kind: 'refused'
  readonly error: ConnectorError
  readonly againAfterMs: number
}

interface KnownAccount {
  readonly oneAtATime: Semaphore
  /** A refusal counts until this time of the monotonic clock. */
  standing: { readonly kind: 'unproved' | 'proved' } | (Refusal & { until: number })
}

/** Returns a function that makes a gate for a stream. */
export function accountGates(clock: Clock): () => AccountGate {
  const accounts = new Map<string, KnownAccount>()
  const knownOf = (server: string, { user, password }: Account) => {
    const name = `${server}\n${user}\n${password}`
    const known = accounts.get(name) ?? { oneAtATime: semaphore(1), standing: { kind: 'unproved' } }
    accounts.set(name, known)
    return known
  }
  return () => {
    const used = new Map<KnownAccount, Account>()
    return {
      logIn: async (login, stop) => {
        for (;;) {
          const { user, password } = login.account()
          const known = knownOf(login.server, { user, password })
          const tried = used.get(known) ?? { user, password }
          used.set(known, tried)
          const outcome = await tryAccount(known, { ...login, tried, clock }, stop)
          if (outcome.kind !== 'refused') return outcome.result
          if (known === knownOf(login.server, login.account())) throw outcome.error
        }
      },
      allowOneTry: () => {
        for (const [known, account] of used) {
          used.set(known, { ...account })
          if (known.standing.kind === 'refused') known.standing.until = 0
        }
      },
    }
  }
}

/** Tries the account unless it counts as refused, and keeps what the outcome says of it. */
async function tryAccount<Result>(
  known: KnownAccount,
  { isEachCall, exchange, tried, clock }: Login<Result> & { readonly tried: Account; readonly clock: Clock },
  stop: AbortSignal,
): Promise<LoginOutcome<Result>> {
  const isFree = () => isEachCall && known.standing.kind === 'proved'
  using permit = isFree() ? undefined : await known.oneAtATime.acquire(stop)
  if (isFree()) permit?.[Symbol.dispose]()
  const { standing } = known
  if (standing.kind === 'refused' && clock.monotonic() < standing.until) return standing
  const outcome = await exchange(tried, standing.kind === 'proved')
  if (outcome.kind === 'refused') {
    known.standing = { ...outcome, until: clock.monotonic() + outcome.againAfterMs }
  } else if (outcome.kind === 'proved' && known.standing === standing) {
    // A page that arrives after another call was refused proves nothing any more.
    known.standing = { kind: 'proved' }
  }
  return outcome
}
