import type * as z from 'zod'
import { ConnectorError } from '../runtime/connector-error.ts'
import {
  type ConfigPath,
  type ConfigProblem,
  isSection,
  pathText,
  problemText,
  type Violation,
  valueAtPath,
} from './config-problem.ts'
import { configSchema, futureBeginnings, type Settings } from './config-schema.ts'
import { type ReadAgain, Secret } from './secret.ts'
import { isPerStream, placeOf, placesOf, settingAt, settingList, unknownKey } from './setting-list.ts'
import { linesOf } from './setting-types.ts'
import {
  type Environment,
  fillIn,
  type GivenText,
  type ReadFile,
  tryToRead,
  unknownVariables,
  type Variables,
  variables,
} from './variables.ts'
import { readYaml } from './yaml-file.ts'

export interface ConfigSources {
  /** Path of the YAML file; undefined: only the environment. */
  readonly file: string | undefined
  readonly environment: Environment
  readonly readFile: ReadFile
  /** No stream may begin later than this time, in ms since 1970. */
  readonly now: number
}

export interface ValidConfig {
  readonly settings: Settings
  /** Variables that may be misspelled settings. */
  readonly warnings: readonly ConfigProblem[]
}

export type LoadedConfig =
  | (ValidConfig & { readonly kind: 'valid' })
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

/** Reads the file and the environment, which overrides it, and reports all problems at once. Connects to nothing. */
export function readConfig({ file, environment, readFile, now }: ConfigSources): LoadedConfig {
  const yaml = file === undefined ? { problems: [] } : readYaml(file, readFile)
  if (yaml.problems.length > 0) return { kind: 'invalid', problems: yaml.problems }
  const environmentVariables = variables(environment, readFile)
  const draft = draftOf(yaml.value ?? {}, environmentVariables.lookUp)
  const misplaced = override(draft, environmentVariables.lookUp)
  readPemFiles(draft, readFile)
  const parsed = configSchema.safeParse(draft.document)
  const reported = new Set(draft.violations.map(({ path }) => pathText(path)))
  const invalid = parsed.success
    ? futureBeginnings(parsed.data.streams, now)
    : parsed.error.issues.flatMap(violationsOf).filter(({ path }) => !reported.has(pathText(path)))
  const unknown = unknownVariables(environment, draft.names)
  const problems = [
    ...environmentVariables.problems.values(),
    ...misplaced,
    ...unknown.own,
    ...[...draft.violations, ...invalid].map((one) => problemOf(one, draft, file !== undefined)),
  ]
  if (!parsed.success || problems.length > 0) return { kind: 'invalid', problems: [...unknown.foreign, ...problems] }
  followFiles(parsed.data, [], draft.readAgain)
  return { kind: 'valid', settings: parsed.data, warnings: unknown.foreign }
}

/** Reads the configuration as `readConfig` does, but throws `config.invalid` with all problems. */
export function loadConfig(sources: ConfigSources): ValidConfig {
  const loaded = readConfig(sources)
  if (loaded.kind === 'valid') return loaded
  const { problems } = loaded
  const title = `the configuration has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`
  throw new ConnectorError('config.invalid', [title, ...problems.map((one) => `  ${problemText(one)}`)].join('\n'))
}

/** Overrides the draft with the variables of the settings; those of `streams[]` require a single stream. */
function override(draft: Draft, lookUp: Variables['lookUp']): ConfigProblem[] {
  return settingList().flatMap((setting) => {
    const { variable, fallback } = setting
    const given = lookUp(variable) ?? (fallback === undefined ? undefined : lookUp(fallback))
    const place = placeOf(setting, 0)
    const isOfSeveral = isPerStream(setting) && hasSeveralStreams(draft)
    if (given !== undefined && !isOfSeveral) setText(draft, place, given)
    if (given === undefined || !isOfSeveral || draft.names.has(variable)) return []
    const what = `applies to a single stream, but the file has several: set ${pathText(place.slice(2))} in each stream`
    return [{ place: variable, what }]
  })
}

function hasSeveralStreams({ document }: Draft) {
  const streams = valueAtPath(document, ['streams'])
  return Array.isArray(streams) && streams.length > 1
}

/** Replaces the paths of PEM files by their content. */
function readPemFiles(draft: Draft, readFile: ReadFile) {
  const pemText = (text: string) =>
    text.includes('-----BEGIN ') ? ({ kind: 'read', text } as const) : tryToRead(text, readFile)
  for (const path of settingList().flatMap((setting) => (setting.pem ? placesOf(setting, draft.document) : []))) {
    const written = valueAtPath(draft.document, path)
    if (typeof written !== 'string') continue
    const pem = pemText(written)
    const readAgain = draft.readAgain.get(pathText(path))
    if (pem.kind === 'read')
      setText(draft, path, { text: pem.text, readAgain: () => pemText(readAgain?.() ?? written).text })
    else draft.violations.push({ path, what: `must be PEM text or the path of a readable file (${pem.why})` })
  }
}

function violationsOf(issue: z.core.$ZodIssue): Violation[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  if (issue.code !== 'unrecognized_keys') return [{ path, what: issue.message }]
  return issue.keys.map((key) => ({ path: [...path, key], what: unknownKey(path, key) }))
}

/** Names the setting, and the variable that sets it. An entry `"name": value` to add has no quotes in lines of text. */
function problemOf({ path: found, what }: Violation, draft: Draft, hasFile: boolean): ConfigProblem {
  const setting = settingAt(found)
  if (found.length === 0) return { place: 'the configuration file', what }
  // Invariant 8: where name and value of a header are swapped, the name is a secret.
  const isNameShown = setting?.additionalProperties?.kind !== 'secret'
  const path = pathText(isNameShown ? found : placeOf(setting, Number(found[1])))
  const isSet = setting !== undefined && !(isPerStream(setting) && hasSeveralStreams(draft))
  const isText = !hasFile || typeof valueAtPath(draft.document, found) === 'string'
  return { place: isSet ? `${path} (${setting.variable})` : path, what: isText ? what.replaceAll('"', '') : what }
}

/** Has the secrets read again that come from files. */
function followFiles(value: unknown, path: ConfigPath, readAgain: Draft['readAgain']) {
  const read = readAgain.get(pathText(path))
  if (value instanceof Secret && read !== undefined) value.follow(read)
  if (value instanceof Secret || typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) {
    // One text may give a whole map or list of secrets.
    if (read !== undefined && item instanceof Secret)
      item.follow(Array.isArray(value) ? read : () => linesOf(read() ?? '')?.[key])
    followFiles(item, [...path, Array.isArray(value) ? Number(key) : key], readAgain)
  }
}

/** The configuration before validation. */
interface Draft {
  readonly document: unknown
  /** The variables that the file refers to. */
  readonly names: Set<string>
  readonly violations: Violation[]
  /** Reads a text that comes from a file again, by the text of its path. */
  readonly readAgain: Map<string, ReadAgain>
}

/**
 * Copies the file with its `${NAME}` filled in. Null and empty texts count as unset, but for list items and for entries
 * of a map: a rule must not vanish because its value is missing.
 */
function draftOf(file: unknown, lookUp: Variables['lookUp']): Draft {
  const names = new Set<string>()
  const violations: Violation[] = []
  const readAgain = new Map<string, ReadAgain>()
  const copy = (value: unknown, path: ConfigPath): unknown => {
    if (Array.isArray(value)) return value.map((item, at) => copy(item, [...path, at]))
    if (typeof value === 'string') {
      const filled = fillIn(value, lookUp)
      for (const name of filled.names) names.add(name)
      violations.push(...filled.problems.map((what) => ({ path, what })))
      if (filled.readAgain !== undefined) readAgain.set(pathText(path), filled.readAgain)
      return filled.text
    }
    if (!isSection(value)) return value
    const isMap = settingAt(path)?.kind === 'map'
    const set = Object.entries(value).filter(([, item]) => isMap || (item ?? '') !== '')
    return Object.fromEntries(set.map(([key, item]) => [key, copy(item ?? '', [...path, key])]))
  }
  return { document: copy(file, []), names, violations, readAgain }
}

/** Sets a text, and creates the sections above it, unless a plain value is in the way. */
function setText({ document, readAgain }: Draft, path: ConfigPath, given: GivenText) {
  let section = document
  for (const [at, key] of path.entries()) {
    if (!isSection(section)) return
    const next = path[at + 1]
    if (next === undefined) section[key] = given.text
    else section[key] ??= typeof next === 'number' ? [] : {}
    section = section[key]
  }
  if (given.readAgain === undefined) readAgain.delete(pathText(path))
  else readAgain.set(pathText(path), given.readAgain)
}
