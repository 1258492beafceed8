import { isIP } from 'node:net'
import { type ConfigPath, pathText } from '../config-problem.ts'
import { valueAt, withValueAt } from '../document.ts'
import type { Variables } from '../environment.ts'
import { isHttpUrl } from '../setting-checks.ts'
import { placesOf } from '../setting-list.ts'
import { bareHost, isInNetwork, isThisMachine } from './host-names.ts'

interface WithProxies {
  readonly document: unknown
  /** The variable that each added setting came from, by the text of its path. */
  readonly origins: ReadonlyMap<string, string>
}

/**
 * Sets the proxy of each stream that has none from `HTTPS_PROXY` or `HTTP_PROXY`, also in lower case, which takes
 * precedence. As with curl, the scheme of the server's URL decides which of them applies. Not for the hosts in
 * `NO_PROXY`, nor for this machine.
 */
export function withProxyVariables(document: unknown, { lookUp }: Pick<Variables, 'lookUp'>): WithProxies {
  const origins = new Map<string, string>()
  const exceptions = lookUp('no_proxy') ?? lookUp('NO_PROXY') ?? ''
  let result = document
  for (const place of placesOf(['streams', 'polaris', 'proxy'], document)) {
    const text = valueAt(document, [...place.slice(0, -1), 'url'])
    const url = typeof text === 'string' && isHttpUrl(text) ? new URL(text) : undefined
    if (url === undefined || valueAt(document, place) !== undefined || isDirect(url, exceptions)) continue
    const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy'
    const variable = [name, name.toUpperCase()].find((candidate) => lookUp(candidate) !== undefined)
    if (variable === undefined) continue
    result = withValueAt(result, place, lookUp(variable))
    origins.set(pathText(place as ConfigPath), variable)
  }
  return { document: result, origins }
}

/** Whether `exceptions`, in the form of `NO_PROXY`, contains the host of the URL, or the URL is of this machine. */
export function isDirect(url: URL, exceptions: string): boolean {
  const host = bareHost(url.hostname)
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  if (isThisMachine(host)) return true
  return exceptions
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .some((entry) => isListed({ host, port }, entry.toLowerCase()))
}

/** An entry is `*`, a domain with its subdomains, an address or a network, each but a network with an optional port. */
function isListed({ host, port }: { host: string; port: string }, entry: string): boolean {
  if (entry.includes('/')) return isInNetwork(host, entry)
  const [, listed = entry, listedPort] = isIP(entry) === 6 ? [] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? [])
  if (listedPort !== undefined && listedPort !== port) return false
  const name = bareHost(listed)
  if (name === '*') return true
  if (isIP(host) !== 0) return isIP(name) !== 0 && isInNetwork(host, `${name}/${isIP(name) === 6 ? 128 : 32}`)
  const domain = name.replace(/^\*?\./, '')
  return host.endsWith(`.${domain}`) || (host === domain && !name.startsWith('*'))
}
