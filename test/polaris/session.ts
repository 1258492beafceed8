import { randomBytes } from 'node:crypto'
import { type Answer, LOGIN_PAGE, textAnswer } from './answer/answer.ts'
import type { Call } from './request.ts'

export interface AccessOptions {
  /**
   * `cookie` and `token` require an `ACL.Login` first. Its response contains the token; calls send it as the parameter
   * or header `tokenName`.
   */
  readonly mode: 'none' | 'basic' | 'cookie' | 'token'
  readonly user: string
  readonly password: string
  readonly tokenName: string
  /** A session expires after this number of calls. */
  readonly expiresAfterCalls: number
  /** Response to wrong credentials and to calls without a session: a status, or the login page with status 200. */
  readonly refusal: 401 | 403 | 'login-page'
  /** Whether the user has neither «consultation des membres clients» nor «saisie des membres clients». */
  readonly lacksRights: boolean
}

/** The credentials are recognisable, so that a test detects them where they must not appear. */
export const DEFAULT_ACCESS: AccessOptions = {
  mode: 'none',
  user: 'connecteur-Krznych',
  password: 'motdepasse-Krznych & co+',
  tokenName: 'session',
  expiresAfterCalls: Number.POSITIVE_INFINITY,
  refusal: 401,
  lacksRights: false,
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
      const { mode, user, password, refusal } = options()
      if (call.parameters.get('user') !== user || call.parameters.get('password') !== password) {
        return refusal === 'login-page' ? loginPage() : textAnswer(refusal, 'Utilisateur ou mot de passe incorrect')
      }
      const id = randomBytes(12).toString('base64url')
      sessions.set(id, { calls: 0 })
      return mode === 'token' ? tokenAnswer(id, call) : cookieAnswer(id)
    },
    refuse: (call) => {
      const { mode, tokenName, lacksRights, refusal } = options()
      const allowed =
        mode === 'none' ||
        (mode === 'basic' && isBasic(call, options())) ||
        (mode === 'cookie' && isAlive(cookieOf(call))) ||
        (mode === 'token' && isAlive(tokenOf(call, tokenName)))
      if (!allowed) return refusalOf(mode, refusal)
      return lacksRights ? textAnswer(403, "Droits insuffisants pour l'utilisateur") : undefined
    },
    expireAll: () => sessions.clear(),
  }
}

function loginPage(): Answer {
  return textAnswer(200, LOGIN_PAGE, 'text/html; charset=utf-8')
}

function tokenAnswer(id: string, call: Call): Answer {
  return call.parameters.get('output') === 'json'
    ? textAnswer(200, JSON.stringify({ token: id }), 'application/json; charset=utf-8')
    : textAnswer(200, `<?xml version="1.0" encoding="utf-8"?>\n<token>${id}</token>`, 'text/xml; charset=utf-8')
}

function cookieAnswer(id: string): Answer {
  const answer = textAnswer(200, '<?xml version="1.0" encoding="utf-8"?>\n<boolean>true</boolean>', 'text/xml')
  return {
    ...answer,
    headers: { ...answer.headers, 'set-cookie': [`${COOKIE}=${id}; path=/; HttpOnly`, 'lang=fr; path=/'] },
  }
}

function cookieOf(call: Call): string | undefined {
  return call.headers.cookie
    ?.split('; ')
    .find((cookie) => cookie.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1)
}

function tokenOf(call: Call, name: string): string | undefined {
  const header = call.headers[name.toLowerCase()]
  return call.parameters.get(name) ?? (typeof header === 'string' ? header.replace(/^Bearer /, '') : undefined)
}

function isBasic(call: Call, { user, password }: AccessOptions): boolean {
  return call.headers.authorization === `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function refusalOf(mode: AccessOptions['mode'], refusal: AccessOptions['refusal']): Answer {
  if (refusal === 'login-page') return loginPage()
  const answer = textAnswer(refusal, 'Session absente ou expirée')
  return mode === 'basic'
    ? { ...answer, headers: { ...answer.headers, 'www-authenticate': 'Basic realm="Polaris"' } }
    : answer
}
