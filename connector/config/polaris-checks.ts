import { clientCertificateProblem } from '../source/polaris/http/secure-context.ts'
import { wallClock } from '../source/source-time.ts'
import type { Violation } from './config-problem.ts'
import type { StreamSettings } from './config-schema.ts'
import { tokenSentAs } from './sections/polaris-access-section.ts'
import { beginAt } from './sections/polaris-section.ts'

/** Nothing that is modified before its beginning is read. */
export function beginning({ polaris }: StreamSettings, now: number): Violation[] {
  const serverNow = wallClock(now, polaris.timeZone)
  const begin = beginAt(polaris)
  if (begin === undefined || begin <= serverNow) return []
  const what = `is in the future (it is ${serverNow} in ${polaris.timeZone}): changes until then would never be read`
  return [{ path: ['polaris', 'lastChanged'], what }]
}

export function credentials({ polaris: { auth, user, password } }: StreamSettings): Violation[] {
  const set = { user, password }
  if (auth !== 'none') {
    const missing = (['user', 'password'] as const).filter((key) => set[key] === undefined)
    return missing.map((key) => ({ path: ['polaris', key], what: `is missing: required with auth: ${auth}` }))
  }
  const isIgnored = user !== undefined || password !== undefined
  return isIgnored
    ? [{ path: ['polaris', 'auth'], what: 'is none, but user or password is set: use basic or login' }]
    : []
}

export function trust({ polaris: { tls, url } }: StreamSettings): Violation[] {
  const set = (['fingerprints', 'ca', 'cert', 'key'] as const).filter((key) => tls[key] !== undefined)
  const [first] = set
  if (first === undefined) return []
  const path = ['polaris', 'tls', first]
  if (tls.fingerprints !== undefined && tls.ca !== undefined)
    return [{ path, what: 'makes ca meaningless: remove one or the other' }]
  return url.startsWith('http:') ? [{ path, what: 'has no effect with an http: URL: use https:' }] : []
}

export function clientCertificate({ polaris: { tls } }: StreamSettings): Violation[] {
  const { cert, key } = tls
  const at = (name: keyof typeof tls, what: string) => [{ path: ['polaris', 'tls', name], what }]
  if (cert === undefined && key !== undefined) return at('cert', 'is missing: required together with key')
  if (key === undefined && cert !== undefined) return at('key', 'is missing: required together with cert')
  if (cert === undefined || key === undefined) return []
  const problem = clientCertificateProblem({ cert: cert.reveal(), key: key.reveal() })
  return problem === undefined ? [] : at(problem.of, problem.what)
}

/** Headers that the authentication sets. */
export function headerNames({ polaris: { headers, auth, login } }: StreamSettings): Violation[] {
  const own = [
    { name: 'authorization', isSet: auth === 'basic', by: 'auth: basic' },
    { name: tokenHeader(login), isSet: auth === 'login', by: 'login.token.sendAs' },
  ]
  return Object.keys(headers).flatMap((name) => {
    const setter = own.find((other) => other.isSet && other.name === name.toLowerCase())
    return setter === undefined
      ? []
      : [{ path: ['polaris', 'headers', name], what: `is set by ${setter.by}: remove one or the other` }]
  })
}

function tokenHeader({ token }: StreamSettings['polaris']['login']): string | undefined {
  const carrier = token && tokenSentAs(token)
  return carrier?.kind === 'header' ? carrier.name.toLowerCase() : undefined
}
