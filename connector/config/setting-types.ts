import * as z from 'zod'
import { fileText as fileTextOf, proxyUrl as proxyUrlOf, secret } from './secret.ts'
import { durationMs, durationPattern, durationText, sizeBytes, sizePattern, sizeText } from './units.ts'

/** What the schema holds besides the type, for reading the environment and for the reference. */
export interface SettingMeta {
  /** For operators: one or two sentences, without the final full stop. */
  readonly description: string
  /** The environment variable that sets it. */
  readonly variable?: string
  /** The variable that applies if `variable` is not set. */
  readonly fallback?: string
  /** PEM text: if the value is a path, the file is read. */
  readonly pem?: true
  readonly examples?: readonly (string | number)[]
}

/** Decides how a text from the environment is converted, and how a value is printed. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'duration' | 'size' | 'secret' | 'url'

const orVariable = String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*\}`
const patternOrVariable = (pattern: RegExp) => `${pattern.source}|^${orVariable}$`

const message = (what: string) => ({
  error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? 'is missing' : what),
})

const listRule = 'must be a list, such as [one, another]'

/** Free text; `rule` is the message if `check` rejects it. */
export function text(
  meta: SettingMeta,
  check: (value: string) => boolean = () => true,
  rule: string | ((value: string) => string) = '',
) {
  const error = ({ input }: { readonly input?: unknown }) => (typeof rule === 'string' ? rule : rule(String(input)))
  const schema = z.string(message('must be text: put it in quotes')).refine(check, { error })
  return schema.meta({ ...meta, kind: 'text' })
}

export function textOr(value: string, meta: SettingMeta, check: (value: string) => boolean = () => true, rule = '') {
  const schema = z.string(message('must be text: put it in quotes')).refine(check, rule).prefault(value)
  return schema.meta({ ...meta, kind: 'text' })
}

/** A text that is read again at each use, because its file may be replaced at run time. */
export function fileText(meta: SettingMeta, check: (value: string) => boolean, rule: string) {
  const schema = z.string(message('must be text: put it in quotes')).refine(check, rule).transform(fileTextOf)
  return schema.meta({ ...meta, kind: 'text' })
}

/** The URL of a proxy, or `none`; it is read again at each use, and printed without its credentials. */
export function proxyUrl(meta: SettingMeta, check: (value: string) => boolean, rule: string) {
  const schema = z.string(message('must be text: put it in quotes')).refine(check, rule).transform(proxyUrlOf)
  return schema.meta({ ...meta, kind: 'url' })
}

/** A list of texts that is read again at each use; `reveal()` separates them by commas. */
export function fileList(meta: SettingMeta, check: (value: string) => boolean, rule: string) {
  const item = z.string(message('must be text: put it in quotes')).refine(check, rule)
  const items = z.array(item, message(listRule)).min(1, 'must not be empty')
  return items.transform((texts) => fileTextOf(texts.join(', '))).meta({ ...meta, kind: 'list' })
}

/** A text that is never printed. */
export function secretText(meta: SettingMeta, check: (value: string) => boolean = () => true, rule = '') {
  const schema = z.string(message('must be text: put it in quotes')).refine(check, rule).transform(secret)
  return schema.optional().meta({ ...meta, kind: 'secret' })
}

export function choice<const Choices extends readonly [string, ...string[]]>(choices: Choices, meta: SettingMeta) {
  return z.enum(choices, message(`must be one of ${choices.join(', ')}`)).meta({ ...meta, kind: 'text' })
}

export function choiceOr<const Choices extends readonly [string, ...string[]]>(
  value: NoInfer<Choices[number]>,
  choices: Choices,
  meta: SettingMeta,
) {
  const schema = z.enum(choices, message(`must be one of ${choices.join(', ')}`))
  return schema.prefault(value).meta({ ...meta, kind: 'text' })
}

export function flag(meta: SettingMeta) {
  return z.boolean(message('must be true or false')).meta({ ...meta, kind: 'boolean' })
}

export function flagOr(value: 'true' | 'false', meta: SettingMeta) {
  const schema = z.boolean(message('must be true or false')).prefault(value === 'true')
  return schema.meta({ ...meta, kind: 'boolean' })
}

interface Range {
  readonly min: number
  readonly max: number
}

export function wholeNumber(range: Range, meta: SettingMeta) {
  return within(range).meta({ ...meta, kind: 'number' })
}

export function wholeNumberOr(value: number, range: Range, meta: SettingMeta) {
  return within(range)
    .prefault(value)
    .meta({ ...meta, kind: 'number' })
}

function within({ min, max }: Range) {
  const error = message(`must be a whole number from ${min} to ${max}`)
  return z.int(error).min(min, error).max(max, error)
}

/** A duration with its unit; milliseconds once loaded. `range` is in milliseconds. */
export function duration(defaultMs: number, meta: SettingMeta, range: Range = { min: 1, max: 2 ** 31 - 1 }) {
  const rule = 'must be a duration such as 500ms, 5s, 5m, 12h or 7d'
  const bounds = `must be between ${durationText(range.min)} and ${durationText(range.max)}`
  return z
    .string(message(rule))
    .refine((value) => durationMs(value) !== undefined, rule)
    .refine((value) => isWithin(durationMs(value), range), bounds)
    .transform((value) => durationMs(value) ?? 0)
    .prefault(durationText(defaultMs))
    .meta({ ...meta, kind: 'duration', pattern: patternOrVariable(durationPattern) })
}

/** A size with its unit; bytes once loaded. `range` is in bytes. */
export function size(defaultBytes: number, meta: SettingMeta, range: Range = { min: 1, max: 2 ** 31 - 1 }) {
  const rule = 'must be a size such as 900kB, 1MB or 32MiB'
  const bounds = `must be between ${sizeText(range.min)} and ${sizeText(range.max)}`
  return z
    .string(message(rule))
    .refine((value) => sizeBytes(value) !== undefined, rule)
    .refine((value) => isWithin(sizeBytes(value), range), bounds)
    .transform((value) => sizeBytes(value) ?? 0)
    .prefault(sizeText(defaultBytes))
    .meta({ ...meta, kind: 'size', pattern: patternOrVariable(sizePattern) })
}

const isWithin = (value: number | undefined, { min, max }: Range) =>
  value === undefined || (value >= min && value <= max)

/** A list of texts; comma-separated in the environment. */
export function textList(meta: SettingMeta, check: (value: string) => boolean = () => true, rule = '') {
  const items = z.array(z.string(message('must be text: put it in quotes')).refine(check, rule), message(listRule))
  return items.meta({ ...meta, kind: 'list' })
}

/** Settings of another system by name; values become text. */
export function textMap(value: Readonly<Record<string, string>>, meta: SettingMeta) {
  const values = z
    .union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false')
    .transform(String)
  return z
    .record(z.string(), values, message('must be a map of names to values'))
    .prefault({ ...value })
    .meta({ ...meta, kind: 'map' })
}

/** A choice for each name; lines `Name: choice` in the environment. `rule` is the message if `check` rejects a name. */
export function choiceMap<const Choices extends readonly [string, ...string[]]>(
  choices: Choices,
  meta: SettingMeta,
  check: (name: string) => boolean,
  rule: string,
) {
  const entries = z.record(
    z.string(),
    z.enum(choices, `must be one of ${choices.join(', ')}`),
    message('must be a map of names to values; in a variable, lines of Name: value'),
  )
  return entries
    .superRefine(
      (map, { addIssue }) => {
        for (const name of Object.keys(map).filter((key) => !check(key)))
          addIssue({ code: 'custom', path: [name], message: rule })
      },
      { when: ({ value }) => typeof value === 'object' && value !== null },
    )
    .prefault({})
    .meta({ ...meta, kind: 'map' })
}

/** Names with values that are never printed; lines `Name: value` in the environment. `problemOf`: of an entry. */
export function secretMap(meta: SettingMeta, problemOf: (name: string, value: string) => string | undefined) {
  const value = z.union([z.string(), z.number(), z.boolean()], 'must be text').transform(String)
  const names = z.record(
    z.string(),
    value,
    message('must be a map of names to values; in a variable, lines of Name: value'),
  )
  return names
    .superRefine((entries, { addIssue }) => {
      for (const [name, text] of Object.entries(entries)) {
        const problem = problemOf(name, text)
        if (problem !== undefined) addIssue({ code: 'custom', path: [name], message: problem })
      }
    })
    .transform((entries) => Object.fromEntries(Object.entries(entries).map(([name, text]) => [name, secret(text)])))
    .meta({ ...meta, kind: 'map' })
}

/** A section that applies its defaults if it is absent; an unknown key is an error. */
export function section<Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) {
  return strictSection(shape)
    .prefault({} as never)
    .meta({ description })
}

/** A section without defaults, undefined if absent. */
export function optionalSection<Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) {
  return strictSection(shape).optional().meta({ description })
}

const strictSection = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, message('must be a map of settings'))
