import type { Account } from '../session/refused-accounts.ts'

/** Parses `[http(s)://][user:password@]host[:port]`; undefined if it is something else. */
export function parseProxyUrl(text: string): URL | undefined {
  const full = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return undefined
  return isDecodable(url.username) && isDecodable(url.password) ? url : undefined
}

/** The credentials in the URL of a proxy. */
export function accountIn({ username, password }: URL): Account | undefined {
  if (username === '' && password === '') return undefined
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) }
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
