import type * as z from 'zod'
import { type ConfigFile, parseConfigFile } from './config-file.ts'
import { type ConfigPath, type ConfigProblem, configInvalid, pathText, type Violation } from './config-problem.ts'
import { configSchema, type Settings } from './config-schema.ts'
import { futureBeginnings } from './cross-checks.ts'
import { setAt, valueAt, withTexts } from './document.ts'
import { GivenText } from './given-text.ts'
import { isPerStream, placeOf, placesOf, settingAt, settingList, unknownKey } from './setting-list.ts'
import { unknownVariables } from './unknown-variables.ts'
import { type Environment, filledIn, type ReadFile, tryToRead, type Variables, variables } from './variables.ts'

export interface ConfigSources {
  /** Path of the YAML file; undefined: only the environment. */
  readonly file: string | undefined
  readonly environment: Environment
  readonly readFile: ReadFile
  /** In ms since 1970: no stream may begin later. */
  readonly now: number
}

export type LoadedConfig =
  | { readonly kind: 'valid'; readonly settings: Settings }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

/** Reads the file and the environment, which overrides it, and reports all problems at once. Connects to nothing. */
export function readConfig({ file: name, environment, readFile, now }: ConfigSources): LoadedConfig {
  const file = name === undefined ? undefined : openFile(name, readFile)
  if (file !== undefined && file.problems.length > 0) return { kind: 'invalid', problems: file.problems }
  const known = variables(environment, readFile)
  const { lookUp } = known
  const written = withVariablesOfFile(file?.value ?? {}, lookUp)
  const overlay = override(written.document, written.names, lookUp)
  const found = [...written.violations, ...readPemFiles(written.document, readFile)]
  const reported = new Set(found.map(({ path }) => pathText(path)))
  const parsed = configSchema.safeParse(written.document)
  const invalid = parsed.success
    ? futureBeginnings(parsed.data.streams, now)
    : parsed.error.issues.flatMap(violationsOf)
  found.push(...invalid.filter(({ path }) => !reported.has(pathText(path))))
  const problems = [
    ...known.problems,
    ...overlay.problems,
    ...unknownVariables(environment, written.names),
    ...found.map(locator({ document: written.document, origins: overlay.origins, file })),
  ]
  return parsed.success && problems.length === 0
    ? { kind: 'valid', settings: parsed.data }
    : { kind: 'invalid', problems }
}

/** Like `readConfig`, but throws `config.invalid` with all problems. */
export function loadConfig(sources: ConfigSources): Settings {
  const loaded = readConfig(sources)
  if (loaded.kind === 'invalid') throw configInvalid(loaded.problems)
  return loaded.settings
}

function openFile(name: string, readFile: ReadFile): ConfigFile {
  const content = tryToRead(name, readFile)
  if (content.kind === 'read') return parseConfigFile(name, content.text)
  const problem = { file: name, what: `cannot be read (${content.why})` }
  return { name, value: undefined, lineOf: () => undefined, problems: [problem] }
}

function withVariablesOfFile(value: unknown, lookUp: Variables['lookUp']) {
  const names = new Set<string>()
  const violations: Violation[] = []
  const document = withTexts(value, (text, path) => {
    const filled = filledIn(text, lookUp)
    for (const name of filled.names) names.add(name)
    violations.push(...filled.problems.map((what) => ({ path, what })))
    return filled.value
  })
  return { document, names, violations }
}

interface Overlay {
  /** The variable that each setting came from, by the text of its path. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly ConfigProblem[]
}

/** Overrides the document with the variables of the settings; those of `streams[]` require a single stream. */
function override(document: unknown, named: ReadonlySet<string>, lookUp: Variables['lookUp']): Overlay {
  const origins = new Map<string, string>()
  const problems: ConfigProblem[] = []
  const several = hasSeveralStreams(document)
  for (const setting of settingList()) {
    const [variable] = [setting.variable, setting.fallback].filter((name) => name !== undefined && lookUp(name))
    if (variable === undefined) continue
    const place = placeOf(setting, 0)
    if (!(isPerStream(setting) && several)) {
      setAt(document, place, lookUp(variable))
      origins.set(pathText(place), variable)
    } else if (!named.has(variable)) {
      const what = `applies to a single stream, but the file has several: set ${pathText(place.slice(2))} in each stream`
      problems.push({ variable, what })
    }
  }
  return { origins, problems }
}

function hasSeveralStreams(document: unknown): boolean {
  const streams = valueAt(document, ['streams'])
  return Array.isArray(streams) && streams.length > 1
}

/** Replaces the paths of PEM files by their content. */
function readPemFiles(document: unknown, readFile: ReadFile): Violation[] {
  const places = settingList().flatMap((setting) => (setting.pem ? placesOf(setting, document) : []))
  return places.flatMap((path) => {
    const value = valueAt(document, path)
    const given = typeof value === 'string' ? new GivenText(value) : value
    if (!(given instanceof GivenText)) return []
    const pem = pemText(given.text, readFile)
    if (pem.kind === 'failed') return [{ path, what: `must be PEM text or the path of a readable file (${pem.why})` }]
    setAt(document, path, new GivenText(pem.text, () => pemText(given.again() ?? '', readFile).text))
    return []
  })
}

const pemText = (text: string, readFile: ReadFile) =>
  text.includes('-----BEGIN ') ? ({ kind: 'read', text } as const) : tryToRead(text, readFile)

function violationsOf(issue: z.core.$ZodIssue): Violation[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  if (issue.code !== 'unrecognized_keys') return [{ path, what: issue.message }]
  return issue.keys.map((key) => ({ path: [...path, key], what: unknownKey(path, key) }))
}

interface Provenance {
  readonly document: unknown
  readonly origins: ReadonlyMap<string, string>
  readonly file: ConfigFile | undefined
}

/** Locates a violation: by the variable, or the line of the file; if a value is missing, by the variable that can set it. */
function locator({ document, origins, file }: Provenance): (violation: Violation) => ConfigProblem {
  return ({ path: at, what }) => {
    const path = pathText(at)
    const variable = at.flatMap((_, up) => origins.get(pathText(at.slice(0, at.length - up))) ?? [])[0]
    if (variable !== undefined) return { variable, path, what }
    const alternative = alternativeTo(at, document)
    if (file === undefined) return { variable: alternative, path, what }
    const cure = alternative === undefined ? what : `${what} (or set ${alternative})`
    return { file: file.name, line: file.lineOf(at), path, what: cure }
  }
}

function alternativeTo(path: ConfigPath, document: unknown): string | undefined {
  const isForAll = path[0] === 'streams' && hasSeveralStreams(document)
  return isForAll || valueAt(document, path) !== undefined ? undefined : settingAt(path)?.variable
}
