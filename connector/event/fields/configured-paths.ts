import { ConnectorError } from '../../runtime/connector-error.ts'
import { type ClientRecord, type ClientValue, isList, shownPath } from '../../source/client-source.ts'
import { collapsedValue } from '../canonical-json.ts'
import type { ReadingRules } from '../read-client.ts'
import { actionOf, type FieldRules, pathBelow } from './field-rules.ts'

/** Compares the paths in the configuration with those of the clients. `matched`: those that a client has had before. */
export interface ConfiguredPaths {
  /**
   * Takes the clients of a page before anything of it is published. Returns the paths that have matched until now.
   * Throws `source.mapping` if they have a field that a rule seems to mean, and that would be published as it is.
   */
  take(clients: readonly ClientRecord[], matched: readonly string[]): readonly string[]
  /** Returns each path that no client had yet, with its setting. */
  missing(matched: readonly string[]): readonly string[]
  /** Returns the same at the first call, and then none: a warning once is enough. */
  newlyMissing(matched: readonly string[]): readonly string[]
}

export function configuredPaths({ fields, types, ignored, lists }: ReadingRules): ConfiguredPaths {
  const settings = {
    'event.fields': fields?.actions.keys() ?? [],
    'event.types': types?.keys() ?? [],
    'polaris.hashIgnore': ignored,
    'polaris.listFields': lists,
  }
  const configured = Object.entries(settings).flatMap(([setting, paths]) =>
    [...paths].map((path) => ({ setting, path: path.toLowerCase() })),
  )
  const missing = (matched: readonly string[]) =>
    configured.filter(({ path }) => !matched.includes(path)).map(({ setting, path }) => `${setting}: ${path}`)
  let isReported = false
  return {
    take: (clients, matched) => {
      const paths = [...new Set(configured.map(({ path }) => path))].filter((path) => !matched.includes(path))
      if (paths.length === 0) return matched
      const found: FoundPaths = { roots: new Set(paths.map(rootOf)), hasContent: new Map() }
      const start: Place = { path: '', below: new Map() }
      for (const client of clients) collectPaths(client, start, found)
      for (const path of paths)
        if (!found.hasContent.has(path) && fields?.actions.has(path) === true) mustNotMeanAnother(path, fields, found)
      const now = paths.filter((path) => found.hasContent.has(path))
      return now.length === 0 ? matched : [...matched, ...now]
    },
    missing,
    newlyMissing: (matched) => {
      const reported = isReported ? [] : missing(matched)
      isReported = true
      return reported
    },
  }
}

/** Returns the first step of a path. */
const rootOf = (path: string) => (path.includes('.') ? path.slice(0, path.indexOf('.')) : path)
const lastOf = (path: string) => path.slice(path.lastIndexOf('.') + 1)

interface FoundPaths {
  /** First steps of the paths to collect. */
  readonly roots: ReadonlySet<string>
  /** The paths in lower case, and whether anything at one has content. */
  readonly hasContent: Map<string, boolean>
}

/** A place in the clients of a page. Each path is made once for the page, and not for each client. */
interface Place {
  /** In lower case; empty for the client itself. */
  readonly path: string
  /** The places of the fields here, by name; null: paths that begin so are not collected. */
  readonly below: Map<string, Place | null>
}

function collectPaths(value: ClientValue, place: Place, found: FoundPaths) {
  if (typeof value === 'string') return
  if (isList(value)) {
    for (const item of value) collectPaths(item, place, found)
    return
  }
  const { hasContent } = found
  for (const name in value) {
    const fieldPlace = placeBelow(place, name, found)
    if (fieldPlace === null) continue
    const { path } = fieldPlace
    const field = value[name] ?? ''
    hasContent.set(path, hasContent.get(path) === true || collapsedValue(field) !== '')
    collectPaths(field, fieldPlace, found)
  }
}

function placeBelow({ path, below }: Place, name: string, { roots }: FoundPaths): Place | null {
  const known = below.get(name)
  if (known !== undefined) return known
  const fieldPath = pathBelow(path, name)
  const place = roots.has(rootOf(fieldPath)) ? { path: fieldPath, below: new Map() } : null
  below.set(name, place)
  return place
}

/**
 * Throws `source.mapping` if another path has the two ends of this one, as where a rule is for the other format, or for
 * a list that was thought to be flat.
 */
function mustNotMeanAnother(path: string, rules: FieldRules, { hasContent }: FoundPaths) {
  if (actionOf(rules, path) === 'keep') return
  const isMeant = (other: string) => rootOf(other) === rootOf(path) && lastOf(other) === lastOf(path)
  const isPublished = (other: string) => !rules.actions.has(other) && actionOf(rules, other) === 'keep'
  const [other] = [...hasContent].find(([one, isFilled]) => isFilled && isMeant(one) && isPublished(one)) ?? []
  if (other === undefined) return
  const shown = shownPath(other.split('.'))
  throw new ConnectorError(
    'source.mapping',
    `apply event.fields: no client has ${path}, but ${shown} would be published, which no rule names; correct the path, or give ${shown} a rule (keep)`,
  )
}
