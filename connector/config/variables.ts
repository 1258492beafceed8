import { nearestWord } from '../runtime/did-you-mean.ts'
import type { ConfigProblem } from './config-problem.ts'
import type { ReadAgain } from './secret.ts'
import { settingList } from './setting-list.ts'

export type Environment = Readonly<Record<string, string | undefined>>
/** Reads a file as text; throws the system's error. */
export type ReadFile = (name: string) => string

/** A text, and how to read it again if it comes from a file. */
export interface GivenText {
  readonly text: string
  readonly readAgain: ReadAgain | undefined
}

/** Environment variables, and the files that `*_FILE` variables name. */
export interface Variables {
  /** Returns the value of `NAME`, or the content of the file `NAME_FILE`; undefined if unset or empty. */
  lookUp(name: string): GivenText | undefined
  /** The problems found so far, by variable. */
  readonly problems: ReadonlyMap<string, ConfigProblem>
}

export function variables(environment: Environment, readFile: ReadFile): Variables {
  const problems = new Map<string, ConfigProblem>()
  const lookUp = (name: string): GivenText | undefined => {
    const direct = environment[name] || undefined
    const file = environment[`${name}_FILE`] || undefined
    if (direct !== undefined && file !== undefined)
      problems.set(name, { place: name, what: `is set together with ${name}_FILE: keep only one` })
    if (direct !== undefined) return { text: direct, readAgain: undefined }
    if (file === undefined) return undefined
    const content = tryToRead(file, readFile)
    if (content.kind === 'read' && content.text !== '')
      return { text: content.text, readAgain: () => tryToRead(file, readFile).text || undefined }
    const what = content.kind === 'read' ? 'names an empty file' : `names a file that cannot be read (${content.why})`
    problems.set(name, { place: `${name}_FILE`, what })
    return undefined
  }
  return { lookUp, problems }
}

type FileContent =
  /** The text lacks the line break at the end. */
  | { readonly kind: 'read'; readonly text: string }
  /** `why` is the system's error code, such as `ENOENT`. */
  | { readonly kind: 'failed'; readonly why: string; readonly text?: undefined }

export function tryToRead(name: string, readFile: ReadFile): FileContent {
  try {
    return { kind: 'read', text: readFile(name).replace(/\r?\n$/, '') }
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error && 'code' in error ? String(error.code) : 'unreadable' }
  }
}

const reference = /\$\$\{|\$\{([^}]*)(\}?)/g

interface FilledText extends GivenText {
  /** The referenced variables. */
  readonly names: readonly string[]
  readonly problems: readonly string[]
}

/** Replaces `${NAME}` by the value of the variable, and `$${` by a literal `${`. An unset variable is a problem. */
export function fillIn(text: string, lookUp: Variables['lookUp']): FilledText {
  const names: string[] = []
  const problems: string[] = []
  const filled = text.replaceAll(reference, (whole, name: string | undefined, end: string | undefined) => {
    if (name === undefined) return '${'
    if (end === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      problems.push(`contains \${ without a valid variable name: write \${NAME}, or $\${ for a literal \${`)
      return whole
    }
    names.push(name)
    const value = lookUp(name)?.text
    if (value === undefined) problems.push(`refers to the variable ${name}, which is not set`)
    return value ?? whole
  })
  const readAgain = () => {
    const next = fillIn(text, lookUp)
    return next.problems.length > 0 ? undefined : next.text
  }
  return { text: filled, readAgain: names.length === 0 ? undefined : readAgain, names, problems }
}

/** Only variables of this connector have these prefixes, apart from service links of Kubernetes. */
const ownPrefixes = /^(POLARIS|POLL|CHECKPOINT)_/i

/** They are read as well, but are not settings. */
const others = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE']

/**
 * Finds variables that are probably meant for the connector: a misspelled setting would otherwise go unnoticed. One
 * that may be of another program is `foreign`. `named` are those that the configuration file refers to.
 */
export function unknownVariables(environment: Environment, named: ReadonlySet<string>) {
  const unknown: Record<'own' | 'foreign', ConfigProblem[]> = { own: [], foreign: [] }
  const meant = [...settingList().flatMap(({ variable, fallback }) => [variable, fallback ?? variable]), ...others]
  // That of another program is one edit away from a setting.
  const known = new Set([...meant, ...named, 'HTTPS_PORT'])
  for (const [place, value] of Object.entries(environment)) {
    const name = place.replace(/_FILE$/, '')
    if (value === undefined || value === '' || known.has(name) || known.has(place)) continue
    if (isServiceLink(place, value)) continue
    const isOwn = ownPrefixes.test(name)
    const suggestion = nearestWord(name, meant, isOwn ? 2 : 1)
    const what =
      suggestion === undefined
        ? 'is not a setting: remove it; config/reference.md lists all variables'
        : `is not a setting; did you mean ${suggestion}?`
    if (isOwn) unknown.own.push({ place, what })
    else if (suggestion !== undefined) unknown.foreign.push({ place, what })
  }
  return unknown
}

/** Kubernetes sets such variables for each service of the namespace: `KAFKA_SERVICE_HOST`, `KAFKA_PORT=tcp://…`. */
function isServiceLink(variable: string, value: string) {
  return (
    /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(variable) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(variable) ||
    /^(tcp|udp|sctp):\/\//.test(value)
  )
}
