import * as z from 'zod'
import { secret } from './secret.ts'
import { durationMs, durationPattern, durationText, sizeBytes, sizePattern, sizeText } from './units.ts'

/** What the schema tells about a setting beside its type; the environment, the reference and the masking of secrets follow from it. */
export interface SettingMeta {
  /** What it means, for an operator; one sentence or two, without a full stop at the end. */
  readonly description: string
  /** The environment variable that sets it. */
  readonly variable?: string
  /** Another variable that sets it when that one does not. */
  readonly fallback?: string
  /** The file of this name is read where the value is a path: PEM texts. */
  readonly pem?: true
  readonly examples?: readonly (string | number)[]
}

/** How a text from the environment becomes a value, and how a value is shown. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'duration' | 'size' | 'secret'

const orVariable = String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*\}`
const patternOrVariable = (pattern: RegExp) => `${pattern.source}|^${orVariable}$`

const says = (what: string) => ({
  error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? 'is missing' : what),
})

/** Free text, checked by `check` where given (`what` says what is wrong and how it should look). */
export function text(meta: SettingMeta, check: (value: string) => boolean = () => true, what = '') {
  const schema = z.string(says('is no text: put it in quotes')).refine(check, what)
  return schema.meta({ ...meta, kind: 'text' })
}

export function textOr(value: string, meta: SettingMeta, check: (value: string) => boolean = () => true, what = '') {
  const schema = z.string(says('is no text: put it in quotes')).refine(check, what).prefault(value)
  return schema.meta({ ...meta, kind: 'text' })
}

/** Never shown; prefer `${VARIABLE}` or a `*_FILE` variable over writing it into a file. */
export function secretText(meta: SettingMeta, check: (value: string) => boolean = () => true, what = '') {
  const schema = z.string(says('is no text: put it in quotes')).refine(check, what).transform(secret)
  return schema.optional().meta({ ...meta, kind: 'secret' })
}

export function choice<const Choices extends readonly [string, ...string[]]>(choices: Choices, meta: SettingMeta) {
  return z.enum(choices, says(`is none of ${choices.join(', ')}`)).meta({ ...meta, kind: 'text' })
}

export function choiceOr<const Choices extends readonly [string, ...string[]]>(
  value: NoInfer<Choices[number]>,
  choices: Choices,
  meta: SettingMeta,
) {
  const schema = z.enum(choices, says(`is none of ${choices.join(', ')}`))
  return schema.prefault(value).meta({ ...meta, kind: 'text' })
}

export function flag(meta: SettingMeta) {
  return z.boolean(says('is neither true nor false')).meta({ ...meta, kind: 'boolean' })
}

export function flagOr(value: 'true' | 'false', meta: SettingMeta) {
  const schema = z.boolean(says('is neither true nor false')).prefault(value === 'true')
  return schema.meta({ ...meta, kind: 'boolean' })
}

export interface Range {
  readonly min: number
  readonly max: number
}

/** A whole number. */
export function wholeNumber(range: Range, meta: SettingMeta) {
  return within(range).meta({ ...meta, kind: 'number' })
}

export function wholeNumberOr(value: number, range: Range, meta: SettingMeta) {
  return within(range)
    .prefault(value)
    .meta({ ...meta, kind: 'number' })
}

function within({ min, max }: Range) {
  const what = says(`is no whole number from ${min} to ${max}`)
  return z.int(what).min(min, what).max(max, what)
}

/** A time with its unit, in milliseconds once loaded. `range` in milliseconds. */
export function duration(defaultMs: number, meta: SettingMeta, range: Range = { min: 1, max: 2 ** 31 - 1 }) {
  const example = 'write it like 500ms, 5s, 5m, 12h or 7d'
  const bounds = `is not between ${durationText(range.min)} and ${durationText(range.max)}`
  return z
    .string(says(`is no duration: ${example}`))
    .refine((value) => durationMs(value) !== undefined, `is no duration: ${example}`)
    .refine((value) => isWithin(durationMs(value), range), bounds)
    .transform((value) => durationMs(value) ?? 0)
    .prefault(durationText(defaultMs))
    .meta({ ...meta, kind: 'duration', pattern: patternOrVariable(durationPattern) })
}

/** A size with its unit, in bytes once loaded. `range` in bytes. */
export function size(defaultBytes: number, meta: SettingMeta, range: Range = { min: 1, max: 2 ** 31 - 1 }) {
  const example = 'write it like 900kB, 1MB or 32MiB'
  const bounds = `is not between ${sizeText(range.min)} and ${sizeText(range.max)}`
  return z
    .string(says(`is no size: ${example}`))
    .refine((value) => sizeBytes(value) !== undefined, `is no size: ${example}`)
    .refine((value) => isWithin(sizeBytes(value), range), bounds)
    .transform((value) => sizeBytes(value) ?? 0)
    .prefault(sizeText(defaultBytes))
    .meta({ ...meta, kind: 'size', pattern: patternOrVariable(sizePattern) })
}

const isWithin = (value: number | undefined, { min, max }: Range) =>
  value === undefined || (value >= min && value <= max)

/** A list of texts; in the environment separated by commas. */
export function textList(meta: SettingMeta, check: (value: string) => boolean = () => true, what = '') {
  const items = z.array(z.string(says('is no text: put it in quotes')).refine(check, what), says('is no list'))
  return items.meta({ ...meta, kind: 'list' })
}

/** Names of somebody else's settings with their values as text. */
export function textMap(value: Readonly<Record<string, string>>, meta: SettingMeta) {
  const values = z.union([z.string(), z.number(), z.boolean()], 'is no plain value').transform(String)
  return z
    .record(z.string(), values, says('is no map of names to values'))
    .prefault({ ...value })
    .meta({ ...meta, kind: 'map' })
}

/** A group of settings that is there with its defaults; a key that it does not know is an error. */
export function section<Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) {
  return group(shape)
    .prefault({} as never)
    .meta({ description })
}

/** A group of settings that may be left out as a whole. */
export function optionalSection<Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) {
  return group(shape).optional().meta({ description })
}

const group = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, says('is no group of settings'))
