import { nearest } from '../runtime/did-you-mean.ts'
import type { ConfigProblem } from './config-problem.ts'
import { settingList } from './setting-list.ts'
import type { Environment } from './variables.ts'

/** Apart from service links of Kubernetes, only variables of this connector have these prefixes. */
const ownPrefixes = /^(POLARIS|POLL|CHECKPOINT)_/i

/** Read as well, but not settings. */
const others = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE']

/**
 * Variables that are probably meant for the connector: a misspelled setting would otherwise go unnoticed. `named`: those
 * that the configuration file refers to.
 */
export function unknownVariables(environment: Environment, named: ReadonlySet<string>): ConfigProblem[] {
  const meant = [...settingList().flatMap(({ variable, fallback }) => [variable, fallback ?? variable]), ...others]
  // That of another program is one edit away from a setting.
  const known = new Set([...meant, ...named, 'HTTPS_PORT'])
  return Object.entries(environment).flatMap(([place, value]) => {
    const name = place.replace(/_FILE$/, '')
    if (value === undefined || value === '' || known.has(name) || known.has(place)) return []
    if (isServiceLink(place, value)) return []
    const isOwn = ownPrefixes.test(name)
    const suggestion = nearest(name, meant, isOwn ? 2 : 1)
    if (suggestion !== undefined) return [{ place, what: `is not a setting; did you mean ${suggestion}?` }]
    return isOwn ? [{ place, what: 'is not a setting: remove it; config/reference.md lists all variables' }] : []
  })
}

/** Kubernetes sets such variables for each service of the namespace: `KAFKA_SERVICE_HOST`, `KAFKA_PORT=tcp://…`. */
function isServiceLink(variable: string, value: string): boolean {
  return (
    /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(variable) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(variable) ||
    /^(tcp|udp|sctp):\/\//.test(value)
  )
}
