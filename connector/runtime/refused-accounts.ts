import type { Clock } from './clock.ts'
import { type Semaphore, semaphore } from './semaphore.ts'

/** User and password; getters re-read them at each use where they come from files. */
export interface Account {
  readonly user: string
  readonly password: string
}

/** Rejected accounts by server and user; shared by all streams of a process, so that logins do not lock an account. */
export interface RefusedAccounts {
  /**
   * Logs in with the current account. If the password changed while a login was rejected, logs in again with the new
   * one. A rejected password is not retried for one minute after its first rejection and for 30 minutes after each
   * later one (5 minutes, if it is in doubt whether it was rejected); until then, calls reject with that rejection.
   * Until a password is accepted, logins run one at a time.
   * Rejects with the error of `exchange`, or with the reason of `stop`.
   */
  logIn<Result>(login: Login<Result>, stop: AbortSignal): Promise<Result>
}

interface Login<Result> {
  /** The address of the server. */
  readonly server: string
  readonly account: () => Account
  readonly exchange: (account: Account) => Promise<Result>
  /** The rejection of the account that an error of `exchange` represents; undefined if the error has another cause. */
  readonly refusalIn: (error: unknown) => Error | undefined
  /** A failure that may be a rejection: too many attempts could lock the account. Default: undefined. */
  readonly doubtIn?: (error: unknown) => Error | undefined
}

/** How often a held stream checks whether the password has changed. */
export const LOOK_AGAIN_MS = 60_000
/** Brokers under load also reject valid passwords: the second attempt follows soon. */
const SECOND_ATTEMPT_MS = 60_000
const LATER_ATTEMPT_MS = 30 * 60_000
const LATER_ATTEMPT_IN_DOUBT_MS = 5 * 60_000

type PasswordStatus =
  | { readonly kind: 'untried' }
  | { readonly kind: 'accepted'; readonly password: string }
  | {
      readonly kind: 'refused'
      readonly password: string
      readonly refusal: Error
      /** `clock.monotonic()` at the rejection. */
      readonly at: number
      readonly nextAttemptAt: number
    }

interface KnownAccount {
  readonly oneAtATime: Semaphore
  status: PasswordStatus
}

export function refusedAccounts(clock: Clock): RefusedAccounts {
  const accounts = new Map<string, KnownAccount>()
  const knownOf = (server: string, user: string): KnownAccount => {
    const name = `${server}\n${user}`
    const known = accounts.get(name) ?? { oneAtATime: semaphore(1), status: { kind: 'untried' } }
    accounts.set(name, known)
    return known
  }
  return {
    logIn: async (login, stop) => {
      for (;;) {
        const { user, password } = login.account()
        const known = knownOf(login.server, user)
        using _permit = await permitUnlessAccepted(known, password, stop)
        mustNotBeRefused(known, password, clock)
        const startedAt = clock.monotonic()
        try {
          const result = await login.exchange({ user, password })
          known.status = { kind: 'accepted', password }
          return result
        } catch (error) {
          const certain = login.refusalIn(error)
          const refusal = certain ?? login.doubtIn?.(error)
          if (refusal === undefined) throw error
          const now = login.account()
          if (now.user !== user || now.password !== password) continue
          const laterMs = certain === undefined ? LATER_ATTEMPT_IN_DOUBT_MS : LATER_ATTEMPT_MS
          known.status = afterRefusal(known.status, { password, refusal, startedAt, laterMs }, clock)
          throw refusal
        }
      }
    },
  }
}

/** Undefined: the password has been accepted, so logins may run concurrently. */
async function permitUnlessAccepted(
  known: KnownAccount,
  password: string,
  stop: AbortSignal,
): Promise<Disposable | undefined> {
  if (isAccepted(known, password)) return undefined
  const permit = await known.oneAtATime.acquire(stop)
  if (isAccepted(known, password)) permit[Symbol.dispose]()
  return permit
}

const isAccepted = ({ status }: KnownAccount, password: string) =>
  status.kind === 'accepted' && status.password === password

function mustNotBeRefused({ status }: KnownAccount, password: string, clock: Clock): void {
  if (status.kind !== 'refused' || status.password !== password) return
  if (clock.monotonic() < status.nextAttemptAt) throw status.refusal
}

function afterRefusal(
  before: PasswordStatus,
  refused: { password: string; refusal: Error; startedAt: number; laterMs: number },
  clock: Clock,
): PasswordStatus {
  const { password, refusal, startedAt, laterMs } = refused
  const isKnown = before.kind === 'refused' && before.password === password
  // This login ran concurrently with the rejected one: both count as one rejection.
  if (isKnown && before.at > startedAt) return before
  const at = clock.monotonic()
  return {
    kind: 'refused',
    password,
    refusal,
    at,
    nextAttemptAt: at + (isKnown ? laterMs : SECOND_ATTEMPT_MS),
  }
}
