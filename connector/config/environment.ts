import { type ConfigProblem, pathText } from './config-problem.ts'
import { nearest } from './did-you-mean.ts'
import { fromText, valueAt, withValueAt } from './document.ts'
import { isPerStream, placeOf, type Setting, settingList } from './setting-list.ts'
import type { Environment, Variables } from './variables.ts'

export interface Overlay {
  readonly document: unknown
  /** The variable that each place came from, by the text of its path. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly ConfigProblem[]
}

/** Puts the variables with a fixed name over the document: those of a stream only where there is one stream. */
export function fromEnvironment(document: unknown, named: ReadonlySet<string>, known: Variables): Overlay {
  const origins = new Map<string, string>()
  const problems: ConfigProblem[] = []
  const streams = valueAt(document, ['streams'])
  const hasSeveral = Array.isArray(streams) && streams.length > 1
  let result = document
  for (const setting of settingList()) {
    const { variable, text } = given(setting, known)
    if (variable === undefined || text === undefined) continue
    if (isPerStream(setting) && hasSeveral) {
      if (!named.has(variable)) problems.push(ofWhichStream(setting, variable))
      continue
    }
    const place = placeOf(setting, 0)
    result = withValueAt(result, place, fromText(text, setting.kind))
    origins.set(pathText(place), variable)
  }
  return { document: result, origins, problems }
}

function given(
  { variable, fallback }: Setting,
  known: Variables,
): { variable: string | undefined; text: string | undefined } {
  const text = variable === undefined ? undefined : known.lookUp(variable)
  if (text !== undefined || fallback === undefined) return { variable, text }
  return { variable: fallback, text: known.lookUp(fallback) }
}

function ofWhichStream(setting: Setting, variable: string): ConfigProblem {
  const key = pathText(placeOf(setting, 0).slice(2))
  return { variable, what: `is for a single stream and the file has several: write ${key} in each of them` }
}

const ourPrefixes = /^(POLARIS|KAFKA|POLL|CHECKPOINT)_/

/** Variables that look like ours but are not: a misspelled setting would otherwise go unnoticed. */
export function misspelledVariables(environment: Environment, named: ReadonlySet<string>): ConfigProblem[] {
  const ours = settingList().flatMap((setting) => setting.variable ?? [])
  return Object.entries(environment).flatMap(([name, value]) => {
    const base = name.replace(/_FILE$/, '')
    if (!ourPrefixes.test(name) || ours.includes(base) || named.has(base) || isServiceLink(value)) return []
    const meant = nearest(base, ours)
    return meant === undefined ? [] : [{ variable: name, what: `is not a setting; did you mean ${meant}?` }]
  })
}

/** Kubernetes announces the services of a namespace like this: `KAFKA_SSL_PORT=tcp://10.0.0.1:9092`. */
const isServiceLink = (value: string | undefined) => value !== undefined && /^(tcp|udp|sctp):\/\//.test(value)
