import { type ConfigFile, parseConfigFile } from './config-file.ts'
import { type ConfigPath, type ConfigProblem, configInvalid, pathText, type Violation } from './config-problem.ts'
import type { Settings } from './config-schema.ts'
import { valueAt, withoutUnset, withValueAt } from './document.ts'
import {
  type Environment,
  fromEnvironment,
  fromText,
  pemText,
  type ReadFile,
  substitute,
  tryToRead,
  variables,
} from './environment.ts'
import { rereading } from './reread.ts'
import { placesOf, settingAt, settingList } from './setting-list.ts'
import { validate } from './validate.ts'
import { unknownVariables } from './variables/unknown-variables.ts'

export interface ConfigSources {
  /** Path of the YAML file; undefined: only the environment. */
  readonly file: string | undefined
  readonly environment: Environment
  /** Reads a file as text; throws the system's error. */
  readonly readFile: ReadFile
  /** In ms since 1970: no stream may begin later. */
  readonly now: number
}

export type LoadedConfig =
  | { readonly kind: 'valid'; readonly settings: Settings }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

/** Reads the file and the environment, which overrides it, and reports all problems at once. Connects to nothing. */
export function readConfig(sources: ConfigSources): LoadedConfig {
  const known = variables(sources.environment, sources.readFile)
  const file = sources.file === undefined ? undefined : openFile(sources.file, sources.readFile)
  if (file !== undefined && file.problems.length > 0) return { kind: 'invalid', problems: file.problems }

  const document = withoutUnset(file?.value ?? {})
  const written = substitute(document, known.lookUp)
  const overlay = fromEnvironment(converted(written.value, written.fromVariables), written.names, known)
  const { origins } = overlay
  const pem = withPemTexts(overlay.document, sources.readFile)
  const doubtful = [...written.problems, ...pem.violations]
  const validated = validate(
    pem.document,
    doubtful.map(({ path }) => path),
    sources.now,
  )

  const locate = locator({ document: pem.document, origins, file })
  const problems = [
    ...known.problems,
    ...overlay.problems,
    ...unknownVariables(sources.environment, written.names),
    ...[...doubtful, ...validated.violations].map(locate),
  ]
  if (problems.length > 0 || validated.settings === undefined) return { kind: 'invalid', problems }
  const texts = { written: document, origins, lookUp: known.lookUp, readFile: sources.readFile }
  return { kind: 'valid', settings: rereading(validated.settings, texts) }
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

/** Converts texts from variables to the kind of their setting, such as a number. */
function converted(document: unknown, places: readonly ConfigPath[]): unknown {
  return places.reduce((result, path) => {
    const setting = settingAt(path)
    const keys = path.filter((key) => typeof key === 'string')
    const isWhole = typeof path.at(-1) !== 'number' && keys.length === setting?.path.length
    const kind = isWhole ? setting.kind : undefined
    const value = valueAt(result, path)
    return kind === undefined || typeof value !== 'string' ? result : withValueAt(result, path, fromText(value, kind))
  }, document)
}

/** Replaces the paths of PEM files by their content. */
function withPemTexts(document: unknown, readFile: ReadFile): { document: unknown; violations: readonly Violation[] } {
  const violations: Violation[] = []
  const places = settingList()
    .filter((setting) => setting.isPem)
    .flatMap((setting) => placesOf(setting.path, document))
  const filled = places.reduce((result, path) => {
    const value = valueAt(result, path)
    if (typeof value !== 'string') return result
    const content = pemText(value, readFile)
    if (content.kind === 'read') return withValueAt(result, path, content.text)
    violations.push({ path, what: `must be PEM text or the path of a readable file (${content.why})` })
    return result
  }, document)
  return { document: filled, violations }
}

interface Provenance {
  readonly document: unknown
  readonly origins: ReadonlyMap<string, string>
  readonly file: ConfigFile | undefined
}

/**
 * Locates a violation: the variable that the value came from, or the line of the file; for a missing value, also the
 * variable that can set it.
 */
function locator({ document, origins, file }: Provenance): (violation: Violation) => ConfigProblem {
  return ({ path, what }) => {
    const variable = path
      .map((_, index) => origins.get(pathText(path.slice(0, path.length - index))))
      .find((name) => name !== undefined)
    const shown = pathText(path)
    if (variable !== undefined) return { variable, path: shown, what }
    const isMissing = valueAt(document, path) === undefined
    const alternative = isMissing && canBeVariable(path, document) ? settingAt(path)?.variable : undefined
    if (file === undefined) return { variable: alternative, path: shown, what }
    return {
      file: file.name,
      line: file.lineOf(path),
      path: shown,
      what: alternative === undefined ? what : `${what} (or set ${alternative})`,
    }
  }
}

function canBeVariable(path: ConfigPath, document: unknown): boolean {
  const streams = valueAt(document, ['streams'])
  return path[0] !== 'streams' || !Array.isArray(streams) || streams.length < 2
}
