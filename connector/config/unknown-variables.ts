import { nearest } from '../runtime/did-you-mean.ts'
import type { ConfigProblem } from './config-problem.ts'
import { settingList } from './setting-list.ts'
import type { Environment } from './variables.ts'

/** Apart from service links of Kubernetes, only variables of this connector have these prefixes. */
const ownPrefixes = /^(POLARIS|POLL|CHECKPOINT)_/i

/** Read as well, but not settings. */
const others = [
  ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
]
/** Of other programs, although one edit away from a variable of the connector. */
const foreign = ['HTTPS_PORT']

/**
 * Variables that are probably meant for the connector: a misspelled setting would otherwise go unnoticed. `named`: those
 * that the configuration file refers to.
 */
export function unknownVariables(environment: Environment, named: ReadonlySet<string>): ConfigProblem[] {
  const settings = settingList().flatMap(({ variable, fallback }) =>
    [variable, fallback].filter((name) => name !== undefined),
  )
  const known = new Set([...settings, ...others, ...foreign, ...named])
  return Object.entries(environment).flatMap(([variable, value]) => {
    const name = variable.replace(/_FILE$/, '')
    const isFine = value === undefined || value === '' || known.has(name) || known.has(variable)
    if (isFine || isServiceLink(variable, value)) return []
    const isOwn = ownPrefixes.test(name)
    const meant = nearest(name, [...settings, ...others], isOwn ? 2 : 1)
    if (meant !== undefined) return [{ variable, what: `is not a setting; did you mean ${meant}?` }]
    return isOwn ? [{ variable, what: 'is not a setting: remove it; config/reference.md lists all variables' }] : []
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
