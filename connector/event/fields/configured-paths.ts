import { ConnectorError } from '../../runtime/connector-error.ts'
import { type ClientRecord, type ClientValue, isList, shownPath } from '../../source/client-source.ts'
import { collapsedValue } from '../canonical-json.ts'
import type { ReadingRules } from '../read-client.ts'
import type { FieldAction, FieldRules } from './field-rules.ts'

/** Compares the paths in the configuration with those of the clients, from the start of the process on. */
export interface ConfiguredPaths {
  /**
   * Takes the clients of a page before anything of it is published. Throws `source.mapping` if they have a field that a
   * rule seems to mean, and that would be published as it is.
   */
  take(clients: readonly ClientRecord[]): void
  /** Each that no client had yet, with its setting. */
  missing(): readonly string[]
  /** The same at the first call, and then none: a warning once is enough. */
  newlyMissing(): readonly string[]
}

export function configuredPaths({ fields, types, ignored, lists }: ReadingRules): ConfiguredPaths {
  const settings = {
    'event.fields': fields?.actions.keys() ?? [],
    'event.types': types?.keys() ?? [],
    'polaris.hashIgnore': ignored,
    'polaris.listFields': lists,
  }
  let missing = Object.entries(settings).flatMap(([setting, paths]) =>
    [...paths].map((path) => ({ setting, path: path.toLowerCase() })),
  )
  const shownPaths = () => missing.map(({ setting, path }) => `${setting}: ${path}`)
  let isReported = false
  return {
    take: (clients) => {
      if (missing.length === 0) return
      const roots = new Set(missing.map(({ path }) => rootOf(path)))
      const found = new Map<string, boolean>()
      for (const client of clients)
        collectPaths(client, { path: '', action: fields?.others ?? 'keep' }, { fields, roots, found })
      missing = missing.filter(({ path }) => !found.has(path))
      for (const { path } of missing) if (fields?.actions.has(path) === true) mustNotMeanAnother(path, fields, found)
    },
    missing: shownPaths,
    newlyMissing: () => {
      const reported = isReported ? [] : shownPaths()
      isReported = true
      return reported
    },
  }
}

const rootOf = (path: string) => path.split('.', 1)[0] ?? ''
const lastOf = (path: string) => path.slice(path.lastIndexOf('.') + 1)

interface Collection {
  readonly fields: FieldRules | undefined
  /** First steps of the paths to collect. */
  readonly roots: ReadonlySet<string>
  /** By path in lower case: whether anything there would be published as it is. */
  readonly found: Map<string, boolean>
}

interface Place {
  readonly path: string
  readonly action: FieldAction
}

function collectPaths(value: ClientValue, at: Place, how: Collection): void {
  if (typeof value === 'string') return
  if (isList(value)) {
    for (const item of value) collectPaths(item, at, how)
    return
  }
  for (const [name, field] of Object.entries(value)) {
    const path = `${at.path}${at.path === '' ? '' : '.'}${name.toLowerCase()}`
    if (!how.roots.has(rootOf(path))) continue
    // What is below a hashed field is hashed with it.
    const action = at.action === 'hmac' ? 'hmac' : (how.fields?.actions.get(path) ?? at.action)
    how.found.set(path, how.found.get(path) === true || (action === 'keep' && collapsedValue(field) !== ''))
    collectPaths(field, { path, action }, how)
  }
}

/** A rule for the other format, or for a list that was thought to be flat, names another path with the same two ends. */
function mustNotMeanAnother(path: string, { actions }: FieldRules, found: Collection['found']): void {
  if (actions.get(path) === 'keep') return
  const isMeant = (other: string) => rootOf(other) === rootOf(path) && lastOf(other) === lastOf(path)
  const [other] = [...found].find(([one, isPublished]) => isPublished && !actions.has(one) && isMeant(one)) ?? []
  if (other === undefined) return
  const shown = shownPath(other.split('.'))
  throw new ConnectorError(
    'source.mapping',
    `apply event.fields: no client has ${path}, but ${shown} would be published, which no rule names; correct the path, or give ${shown} a rule (keep)`,
  )
}
