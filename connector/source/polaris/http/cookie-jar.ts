import { Cookie, CookieJar, domainMatch, MemoryCookieStore, pathMatch } from 'tough-cookie'
import type { Clock } from '../../../runtime/clock.ts'

/** A cookie that calls do not send. Invariant 8: never its value. */
export interface DroppedCookie {
  readonly name: string
  readonly why: string
}

/** The cookies of one server. */
export interface ServerCookies {
  /** The `Cookie` header of a request; empty without cookies. */
  header(url: URL): Promise<string>
  /** Keeps those of a response. `serverTime`: its `Date`. Returns those that calls of the API do not send. */
  keep(texts: readonly string[], response: ResponseFacts): Promise<readonly DroppedCookie[]>
}

interface ResponseFacts {
  readonly url: URL
  readonly serverTime: number | undefined
}

/** As browsers do; RFC 6265, 6.1. */
const MAX_COOKIES = 50
const MAX_BYTES = 4096

/** `base`: URL of the API. */
export function cookieJar(base: URL, clock: Pick<Clock, 'now'>): ServerCookies {
  const store = new MemoryCookieStore()
  const jar = new CookieJar(store, { rejectPublicSuffixes: false })

  const keep = async (text: string, { url, serverTime }: ResponseFacts): Promise<DroppedCookie | undefined> => {
    const cookie = Cookie.parse(text)
    if (cookie === undefined) return undefined
    const name = shownIf(/^[\w.-]{1,64}$/, cookie.key)
    if (Buffer.byteLength(text) > MAX_BYTES) return { name, why: `it is longer than ${MAX_BYTES} bytes` }
    expireByOurClock(cookie, { ours: clock.now(), server: serverTime })
    const why = whyNotSent(cookie, { base, url, now: clock.now() })
    await jar.setCookie(cookie, url.href, { ignoreError: true })
    await forgetOldest(store)
    const sent = await jar.getCookies(base.href)
    const isSent = sent.some(({ key }) => key === cookie.key)
    // Without a value, it deletes a cookie.
    return isSent || cookie.value === '' ? undefined : { name, why }
  }
  return {
    header: (url) => jar.getCookieString(url.href),
    keep: async (texts, response) => {
      const dropped: DroppedCookie[] = []
      for (const text of texts) {
        const one = await keep(text, response)
        if (one !== undefined) dropped.push(one)
      }
      return dropped
    },
  }
}

/** A server says by its own clock when a cookie expires. Also ends the renewal of `Max-Age` at each use. */
function expireByOurClock(cookie: Cookie, now: { readonly ours: number; readonly server: number | undefined }): void {
  const { ours, server = ours } = now
  if (typeof cookie.maxAge === 'number') cookie.expires = new Date(ours + cookie.maxAge * 1000)
  else if (cookie.expires instanceof Date) cookie.expires = new Date(cookie.expires.getTime() - server + ours)
  cookie.maxAge = null
}

interface CallFacts {
  readonly base: URL
  /** Of the response that set the cookie. */
  readonly url: URL
  readonly now: number
}

/** Why calls of the API would not send this cookie. */
function whyNotSent(cookie: Cookie, { base, url, now }: CallFacts): string {
  const expiresAt = cookie.expires instanceof Date ? cookie.expires.getTime() : Number.POSITIVE_INFINITY
  if (expiresAt <= now)
    return `it had expired ${Math.round((now - expiresAt) / 1000)} s before, by the clock of the server`
  const domain = cookie.cdomain()
  if (domain != null && domainMatch(url.hostname, domain, false) !== true)
    return `it is for the domain ${shownIf(/^[\w.-]{1,100}$/, domain)}`
  if (cookie.path != null && !pathMatch(base.pathname, cookie.path))
    return `it is for the path ${shownIf(/^\/[\w./-]{0,100}$/, cookie.path)}`
  if (cookie.secure && base.protocol === 'http:') return 'it is for https only (Secure)'
  return 'it is not valid'
}

const shownIf = (pattern: RegExp, text: string) => (pattern.test(text) ? text : '(not shown)')

async function forgetOldest(store: MemoryCookieStore): Promise<void> {
  const all = await store.getAllCookies()
  const oldest = all.toSorted((one, other) => one.creationIndex - other.creationIndex)
  for (const { domain, path, key } of oldest.slice(0, Math.max(0, all.length - MAX_COOKIES)))
    await store.removeCookie(domain ?? '', path ?? '', key)
}
