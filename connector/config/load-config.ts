import { type ConfigFile, parseConfigFile } from './config-file.ts'
import { type ConfigPath, type ConfigProblem, configInvalid, pathText } from './config-problem.ts'
import { configSchema, type Settings } from './config-schema.ts'
import { fromText, valueAt, withoutUnset, withValueAt } from './document.ts'
import { fromEnvironment, misspelledVariables } from './environment.ts'
import { settingAt, settingList } from './setting-list.ts'
import { substitute } from './substitute.ts'
import { type Finding, validate } from './validate.ts'
import { type Environment, type ReadFile, tryToRead, variables } from './variables.ts'

export interface ConfigSources {
  /** Path of the YAML file; undefined: the environment alone. */
  readonly file: string | undefined
  readonly environment: Environment
  /** Content of a file as text; throws what the system says. */
  readonly readFile: ReadFile
}

export type LoadedConfig =
  | { readonly kind: 'valid'; readonly settings: Settings }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

/** Reads file and environment (which wins), and finds everything that is wrong with them at once. Connects to nothing. */
export function readConfig(sources: ConfigSources): LoadedConfig {
  const known = variables(sources.environment, sources.readFile)
  const file = sources.file === undefined ? undefined : openFile(sources.file, sources.readFile)
  if (file !== undefined && file.problems.length > 0) return { kind: 'invalid', problems: file.problems }

  const written = substitute(withoutUnset(file?.value ?? {}), known.lookUp)
  const overlay = fromEnvironment(coerced(written.value, written.fromVariables), written.names, known)
  const pem = withPemTexts(overlay.document, sources.readFile)
  const doubtful = [...written.problems, ...pem.findings]
  const validated = validate(
    pem.document,
    doubtful.map(({ path }) => path),
  )

  const locate = locator({ document: pem.document, origins: overlay.origins, file })
  const problems = [
    ...known.problems,
    ...overlay.problems,
    ...misspelledVariables(sources.environment, written.names),
    ...[...doubtful, ...validated.findings].map(locate),
  ]
  if (problems.length > 0 || validated.settings === undefined) return { kind: 'invalid', problems }
  return { kind: 'valid', settings: validated.settings }
}

/** The settings of the endpoints alone, whatever is wrong or missing elsewhere. Throws `config.invalid`. */
export function loadEndpointSettings({ file, environment, readFile }: ConfigSources): Settings['http'] {
  const known = variables(environment, readFile)
  const opened = file === undefined ? undefined : openFile(file, readFile)
  const written = substitute({ http: valueAt(withoutUnset(opened?.value), ['http']) }, known.lookUp)
  const { document } = fromEnvironment(coerced(written.value, written.fromVariables), written.names, known)
  const parsed = configSchema.shape.http.safeParse(valueAt(document, ['http']))
  const problems = opened?.problems ?? []
  if (parsed.success && problems.length === 0) return parsed.data
  const issues = parsed.error?.issues ?? []
  throw configInvalid([
    ...problems,
    ...issues.map(({ path, message }) => ({ path: pathText(['http', ...path.map(String)]), what: message })),
  ])
}

/** Like `readConfig`; throws `config.invalid` with every problem. */
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

/** What came from variables is text; its setting may want a number. */
function coerced(document: unknown, places: readonly ConfigPath[]): unknown {
  return places.reduce((result, path) => {
    const isListItem = typeof path.at(-1) === 'number'
    const kind = isListItem ? undefined : settingAt(path)?.kind
    const value = valueAt(result, path)
    return kind === undefined || typeof value !== 'string' ? result : withValueAt(result, path, fromText(value, kind))
  }, document)
}

/** Reads the files that stand where PEM texts belong. */
function withPemTexts(document: unknown, readFile: ReadFile): { document: unknown; findings: readonly Finding[] } {
  const findings: Finding[] = []
  const places = settingList()
    .filter((setting) => setting.isPem)
    .flatMap((setting) => placesOf(setting.path, document))
  const filled = places.reduce((result, path) => {
    const value = valueAt(result, path)
    if (typeof value !== 'string' || value.includes('-----BEGIN ')) return result
    const content = tryToRead(value, readFile)
    if (content.kind === 'read') return withValueAt(result, path, content.text)
    findings.push({ path, what: `is no PEM text and names no file that can be read (${content.why})` })
    return result
  }, document)
  return { document: filled, findings }
}

function placesOf(path: readonly string[], document: unknown): ConfigPath[] {
  if (path[0] !== 'streams') return [path]
  const streams = valueAt(document, ['streams'])
  return Array.isArray(streams) ? streams.map((_, index) => ['streams', index, ...path.slice(1)]) : []
}

interface Places {
  readonly document: unknown
  readonly origins: ReadonlyMap<string, string>
  readonly file: ConfigFile | undefined
}

/** Says where a finding is: the variable that the value came from, else the line of the file, and what would supply it where it is missing. */
function locator({ document, origins, file }: Places): (finding: Finding) => ConfigProblem {
  return ({ path, what }) => {
    const variable = path
      .map((_, index) => origins.get(pathText(path.slice(0, path.length - index))))
      .find((name) => name !== undefined)
    const shown = pathText(path)
    if (variable !== undefined) return { variable, path: shown, what }
    const isMissing = valueAt(document, path) === undefined
    const supplier = isMissing && canComeFromEnvironment(path, document) ? settingAt(path)?.variable : undefined
    if (file === undefined) return { variable: supplier, path: shown, what }
    return {
      file: file.name,
      line: file.lineOf(path),
      path: shown,
      what: supplier === undefined ? what : `${what} (or set ${supplier})`,
    }
  }
}

function canComeFromEnvironment(path: ConfigPath, document: unknown): boolean {
  const streams = valueAt(document, ['streams'])
  return path[0] !== 'streams' || !Array.isArray(streams) || streams.length < 2
}
