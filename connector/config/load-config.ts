import { LineCounter, parseDocument } from 'yaml'
import type * as z from 'zod'
import {
  type ConfigPath,
  type ConfigProblem,
  configInvalid,
  pathText,
  type Violation,
  valueAt,
} from './config-problem.ts'
import { configSchema, futureBeginnings, type Settings } from './config-schema.ts'
import { type Draft, draftOf, setText } from './draft.ts'
import { Secret } from './secret.ts'
import { isPerStream, placeOf, placesOf, settingAt, settingList, unknownKey } from './setting-list.ts'
import { linesOf } from './setting-types.ts'
import { type Environment, type ReadFile, tryToRead, unknownVariables, type Variables, variables } from './variables.ts'

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
export function readConfig({ file, environment, readFile, now }: ConfigSources): LoadedConfig {
  const yaml = file === undefined ? { kind: 'read' as const, value: {} } : readYaml(file, readFile)
  if (yaml.kind === 'invalid') return yaml
  const known = variables(environment, readFile)
  const draft = draftOf(yaml.value ?? {}, known.lookUp)
  const misplaced = override(draft, known.lookUp)
  readPemFiles(draft, readFile)
  const parsed = configSchema.safeParse(draft.document)
  const reported = new Set(draft.violations.map(({ path }) => pathText(path)))
  const invalid = parsed.success
    ? futureBeginnings(parsed.data.streams, now)
    : parsed.error.issues.flatMap(violationsOf).filter(({ path }) => !reported.has(pathText(path)))
  const problems = [
    ...known.problems.values(),
    ...misplaced,
    ...unknownVariables(environment, draft.names),
    ...[...draft.violations, ...invalid].map(({ path, what }) => ({ place: placeText(path, draft), what })),
  ]
  if (!parsed.success || problems.length > 0) return { kind: 'invalid', problems }
  follow(parsed.data, [], draft.again)
  return { kind: 'valid', settings: parsed.data }
}

/** Like `readConfig`, but throws `config.invalid` with all problems. */
export function loadConfig(sources: ConfigSources): Settings {
  const loaded = readConfig(sources)
  if (loaded.kind === 'invalid') throw configInvalid(loaded.problems)
  return loaded.settings
}

/** Overrides the draft with the variables of the settings; those of `streams[]` require a single stream. */
function override(draft: Draft, lookUp: Variables['lookUp']): ConfigProblem[] {
  const several = hasSeveralStreams(draft)
  return settingList().flatMap((setting) => {
    const { variable, fallback } = setting
    const given = lookUp(variable) ?? (fallback === undefined ? undefined : lookUp(fallback))
    const place = placeOf(setting, 0)
    if (given === undefined || (several && isPerStream(setting) && draft.names.has(variable))) return []
    if (!several || !isPerStream(setting)) {
      setText(draft, place, given)
      return []
    }
    const what = `applies to a single stream, but the file has several: set ${pathText(place.slice(2))} in each stream`
    return [{ place: variable, what }]
  })
}

function hasSeveralStreams({ document }: Draft): boolean {
  const streams = valueAt(document, ['streams'])
  return Array.isArray(streams) && streams.length > 1
}

/** Replaces the paths of PEM files by their content. */
function readPemFiles(draft: Draft, readFile: ReadFile): void {
  const pemText = (text: string) =>
    text.includes('-----BEGIN ') ? ({ kind: 'read', text } as const) : tryToRead(text, readFile)
  for (const path of settingList().flatMap((setting) => (setting.pem ? placesOf(setting, draft.document) : []))) {
    const written = valueAt(draft.document, path)
    if (typeof written !== 'string') continue
    const pem = pemText(written)
    const again = draft.again.get(pathText(path))
    if (pem.kind === 'read') setText(draft, path, { text: pem.text, again: () => pemText(again?.() ?? written).text })
    else draft.violations.push({ path, what: `must be PEM text or the path of a readable file (${pem.why})` })
  }
}

function violationsOf(issue: z.core.$ZodIssue): Violation[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  if (issue.code !== 'unrecognized_keys') return [{ path, what: issue.message }]
  return issue.keys.map((key) => ({ path: [...path, key], what: unknownKey(path, key) }))
}

/** The setting, and the variable that sets it. */
function placeText(path: ConfigPath, draft: Draft): string {
  const setting = settingAt(path)
  if (path.length === 0) return 'the configuration file'
  const isSet = setting !== undefined && !(isPerStream(setting) && hasSeveralStreams(draft))
  return isSet ? `${pathText(path)} (${setting.variable})` : pathText(path)
}

/** Has the secrets read again that come from files. */
function follow(value: unknown, path: ConfigPath, again: Draft['again']): void {
  const read = again.get(pathText(path))
  if (value instanceof Secret && read !== undefined) value.follow(read)
  if (value instanceof Secret || typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) {
    // One text may give a whole map of secrets.
    if (read !== undefined && item instanceof Secret) item.follow(() => linesOf(read() ?? '')?.[key])
    follow(item, [...path, Array.isArray(value) ? Number(key) : key], again)
  }
}

type YamlFile =
  /** `value`: the document as plain values; null if it is empty. */
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

function readYaml(name: string, readFile: ReadFile): YamlFile {
  const invalid = (...problems: ConfigProblem[]) => ({ kind: 'invalid', problems }) as const
  const content = tryToRead(name, readFile)
  if (content.kind === 'failed') return invalid({ place: name, what: `cannot be read (${content.why})` })
  const lines = new LineCounter()
  // Invariant 8: pretty errors quote the line, which may contain a secret.
  const document = parseDocument(content.text, { lineCounter: lines, prettyErrors: false, merge: true })
  const found = [...document.errors, ...document.warnings].map(({ code, pos }) => ({
    place: `${name}:${lines.linePos(pos[0]).line}`,
    what: `is not valid YAML (${code.toLowerCase().replaceAll('_', ' ')}): check indentation, and put the value in quotes`,
  }))
  if (found.length > 0) return invalid(...found)
  try {
    return { kind: 'read', value: document.toJS() }
  } catch {
    return invalid({ place: name, what: 'is not valid YAML: check the aliases (*) and merge keys (<<)' })
  }
}
