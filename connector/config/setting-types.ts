import * as z from 'zod'
import {
  type FileText,
  fileItems,
  fileText as fileTextOf,
  proxyUrl as proxyUrlOf,
  secret as secretOf,
} from './secret.ts'
import type { Check } from './setting-checks.ts'
import { durations, type Quantity, sizes } from './units.ts'

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

/** One setting; its key is that in the section. Required, unless it has a default or is `.optional()`. */
interface Row<Written> extends SettingMeta {
  /** As written in the file. */
  readonly default?: Written
}

interface TextRow<Written = string> extends Row<Written> {
  readonly check?: Check
}

interface ChoiceRow<Choices extends readonly [string, ...string[]], Written = Choices[number]> extends Row<Written> {
  readonly choices: Choices
}

interface Range {
  readonly min: number
  readonly max: number
}

/** Decides how a text from the environment is converted, and how a value is printed. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'duration' | 'size' | 'secret' | 'url'

const orVariable = String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*\}`
const mapRule = 'must be a map of names to values; in a variable, lines of Name: value'

const message = (what: string) => ({
  error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? 'is missing' : what),
})

/** The schema with its default, and with what the environment and the reference need. */
function setting<Schema extends z.ZodType>(
  schema: Schema,
  { default: preset, ...meta }: Row<unknown>,
  more: { readonly kind: SettingKind; readonly pattern?: string },
): Schema {
  const complete = preset === undefined ? schema : schema.prefault(preset as never)
  return complete.meta({ ...meta, ...more }) as never // a default does not change the type of the result
}

const checked = (check: Check = { isValid: () => true, rule: '' }) =>
  z.string(message('must be text: put it in quotes')).refine(check.isValid, {
    error: ({ input }) => (typeof check.rule === 'string' ? check.rule : check.rule(String(input))),
  })

export const text = ({ check, ...row }: TextRow) => setting(checked(check), row, { kind: 'text' })

const reread =
  (kind: SettingKind, toValue: (text: string, isValid?: Check['isValid']) => FileText) =>
  ({ check, ...row }: TextRow) =>
    setting(
      checked(check).transform((value) => toValue(value, check?.isValid)),
      row,
      { kind },
    )

/** A text that is read again at each use, because its file may be replaced at run time. */
export const fileText = reread('text', fileTextOf)
/** The URL of a proxy; it is read again at each use, and printed without its credentials. */
export const proxyUrl = reread('url', proxyUrlOf)

const requiredSecret = reread('secret', secretOf)
/** A text that is never printed, and is read again at each use. */
export const secret = (row: TextRow) => requiredSecret(row).optional()

/** A list of texts; comma-separated in the environment. */
export const textList = ({ check, ...row }: TextRow<readonly string[]>) =>
  setting(z.array(checked(check), message('must be a list, such as [one, another]')), row, { kind: 'list' })

/** A list of texts that is read again at each use. */
export function fileList({ check, ...row }: TextRow<readonly string[]>) {
  const items = z.array(checked(check), message('must be a list, such as [one, another]')).min(1, 'must not be empty')
  return setting(
    items.transform((texts) => fileItems(texts.join(', '), check?.isValid)),
    row,
    { kind: 'list' },
  )
}

const oneOf = <const Choices extends readonly [string, ...string[]]>(choices: Choices) =>
  z.enum(choices, message(`must be one of ${choices.join(', ')}`))

export const choice = <const Choices extends readonly [string, ...string[]]>({ choices, ...row }: ChoiceRow<Choices>) =>
  setting(oneOf(choices), row, { kind: 'text' })

/** A choice that may also be written in capital letters. */
export function choiceInAnyCase<const Choices extends readonly [string, ...string[]]>({
  choices,
  ...row
}: ChoiceRow<Choices>) {
  const spellings = [...choices, ...choices.map((one) => one.toUpperCase())]
  const schema = z.enum(spellings, message(`must be one of ${choices.join(', ')}`))
  return setting(
    schema.transform((spelled) => spelled.toLowerCase() as Choices[number]),
    row,
    { kind: 'text' },
  )
}

export const flag = (row: Row<boolean>) =>
  setting(z.boolean(message('must be true or false')), row, { kind: 'boolean' })

export function wholeNumber({ min, max, ...row }: Row<number> & Range) {
  const error = message(`must be a whole number from ${min} to ${max}`)
  return setting(z.int(error).min(min, error).max(max, error), row, { kind: 'number' })
}

type QuantityRow = Row<string> & Partial<Range>

/** A duration with its unit; milliseconds once loaded, as `min` and `max` are. */
export const duration = (row: QuantityRow) => quantity(durations, row, 'duration')

/** A size with its unit; bytes once loaded. */
export const size = (row: QuantityRow) => quantity(sizes, row, 'size')

function quantity(
  { rule, pattern, parse, print }: Quantity,
  { min = 1, max = 2 ** 31 - 1, ...row }: QuantityRow,
  kind: SettingKind,
) {
  const isWithin = (value: number | undefined) => value === undefined || (value >= min && value <= max)
  const schema = z
    .string(message(rule))
    .refine((value) => parse(value) !== undefined, rule)
    .refine((value) => isWithin(parse(value)), `must be between ${print(min)} and ${print(max)}`)
    .transform((value) => parse(value) ?? 0)
  return setting(schema, row, { kind, pattern: `${pattern.source}|^${orVariable}$` })
}

const plainValue = z.union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false')

/** Settings of another system by name; values become text. */
export const textMap = (row: Row<Readonly<Record<string, string>>>) =>
  setting(z.record(z.string(), plainValue.transform(String), message(mapRule)), row, { kind: 'map' })

/** A choice for each name. */
export function choiceMap<const Choices extends readonly [string, ...string[]]>({
  choices,
  check,
  ...row
}: ChoiceRow<Choices, object> & { readonly check: Check }) {
  const entries = z.record(z.string(), z.enum(choices, `must be one of ${choices.join(', ')}`), message(mapRule))
  const names = entries.superRefine(
    (map, { addIssue }) => {
      for (const name of Object.keys(map).filter((key) => !check.isValid(key)))
        addIssue({ code: 'custom', path: [name], message: String(check.rule) })
    },
    { when: ({ value }) => typeof value === 'object' && value !== null },
  )
  return setting(names, row, { kind: 'map' })
}

/** Names with values that are never printed. `problemOf`: of an entry. */
export function secretMap({
  problemOf,
  ...row
}: Row<object> & { readonly problemOf: (name: string, value: string) => string | undefined }) {
  const names = z.record(z.string(), plainValue.transform(String), message(mapRule))
  const secrets = names
    .superRefine((entries, { addIssue }) => {
      for (const [name, value] of Object.entries(entries)) {
        const problem = problemOf(name, value)
        if (problem !== undefined) addIssue({ code: 'custom', path: [name], message: problem })
      }
    })
    .transform((entries) =>
      mapValues(entries, (value, name) => secretOf(value, (next) => problemOf(name, next) === undefined)),
    )
  return setting(secrets, row, { kind: 'map' })
}

const mapValues = <To>(entries: Readonly<Record<string, string>>, to: (value: string, name: string) => To) =>
  Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, to(value, name)]))

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
