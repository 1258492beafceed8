import { randomBytes } from 'node:crypto'
import { type Answer, LOGIN_PAGE, textAnswer } from './answer/answer.ts'
import type { Call } from './request.ts'

export interface AccessOptions {
  /** `cookie` requires an `ACL.Login` first. */
  readonly mode: 'none' | 'basic' | 'cookie'
  readonly user: string
  readonly password: string
  /** A session expires after this number of calls. */
  readonly expiresAfterCalls: number
  /** Response to wrong credentials and to calls without a session: a status, or the login page with status 200. */
  readonly refusal: 401 | 403 | 'login-page'
}

/** The credentials are recognisable, so that a test detects them where they must not appear. */
export const DEFAULT_ACCESS: AccessOptions = {
  mode: 'none',
  user: 'connecteur-Krznych',
  password: 'motdepasse-Krznych & co+',
  expiresAfterCalls: Number.POSITIVE_INFINITY,
  refusal: 401,
}

export interface Access {
  /** Handles `ACL.Login`. */
  login(call: Call): Answer
  /** The refusal; undefined if the call is allowed. */
  refuse(call: Call): Answer | undefined
  /** Expires every session. */
  expireAll(): void
}

const COOKIE = 'ASP.NET_SessionId'

/** Evaluates the options at every call: they may change while the simulator runs. */
export function accessControl(options: () => AccessOptions): Access {
  const sessions = new Map<string, { calls: number }>()
  const isAlive = (id: string | undefined) => {
    const session = id === undefined ? undefined : sessions.get(id)
    if (session === undefined) return false
    session.calls += 1
    return session.calls <= options().expiresAfterCalls
  }
  return {
    login: (call) => {
      const { user, password, refusal } = options()
      if (call.parameters.get('user') !== user || call.parameters.get('password') !== password)
        return refused(refusal, 'Utilisateur ou mot de passe incorrect')
      const id = randomBytes(12).toString('base64url')
      sessions.set(id, { calls: 0 })
      const answer = textAnswer(200, '<?xml version="1.0" encoding="utf-8"?>\n<boolean>true</boolean>', 'text/xml')
      const cookies = [`${COOKIE}=${id}; path=/; HttpOnly`, 'lang=fr; path=/']
      return { ...answer, headers: { ...answer.headers, 'set-cookie': cookies } }
    },
    refuse: (call) => {
      const { mode, user, password, refusal } = options()
      const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
      if (mode === 'none' || (mode === 'cookie' && isAlive(cookieOf(call)))) return undefined
      if (mode === 'basic' && call.headers.authorization === basic) return undefined
      const answer = refused(refusal, 'Session absente ou expirée')
      const offer = mode === 'basic' ? { 'www-authenticate': 'Basic realm="Polaris"' } : {}
      return { ...answer, headers: { ...answer.headers, ...offer } }
    },
    expireAll: () => sessions.clear(),
  }
}

const refused = (refusal: AccessOptions['refusal'], text: string): Answer =>
  refusal === 'login-page' ? textAnswer(200, LOGIN_PAGE, 'text/html; charset=utf-8') : textAnswer(refusal, text)

const cookieOf = ({ headers }: Call) =>
  headers.cookie
    ?.split('; ')
    .find((cookie) => cookie.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1)
