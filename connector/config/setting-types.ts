import * as z from 'zod'
import type { Violation } from './config-problem.ts'
import { GivenText, Secret, secretFrom } from './given-text.ts'
import type { Check } from './setting-checks.ts'
import { durations, type Quantity, sizes } from './units.ts'

/** Decides how a value is printed and documented. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'duration' | 'size' | 'secret' | 'url'

/** What the schema holds besides the type, for variables and for the reference. */
export interface SettingMeta {
  /** For operators: one or two sentences, without the final full stop. */
  readonly description: string
  /** The environment variable that sets it. */
  readonly variable?: string
  /** The variable that applies if `variable` is not set. */
  readonly fallback?: string
  /** PEM text: if the value is a path, the file is read. */
  readonly pem?: true
}

/** One setting; its key is that in the section. Required, unless it has a default or is `.optional()`. */
interface Row<Written> extends Omit<SettingMeta, 'description'> {
  /** As written in the file. */
  readonly default?: Written
}

interface TextRow<Written = string> extends Row<Written> {
  readonly check?: Check
}

interface ChoiceRow<Choices extends Spellings, Written = Choices[number]> extends Row<Written> {
  readonly choices: Choices
}

type Spellings = readonly [string, ...string[]]

interface Range {
  readonly min: number
  readonly max: number
}

const anyText: Check = { isValid: () => true, rule: '' }
const textRule = 'must be text: put it in quotes'
const listRule = 'must be a list, such as [one, another]'
const mapRule = 'must be a map of names to values; in a variable, lines of Name: value'

const message = (rule: Check['rule']) => ({
  error: ({ input }: { readonly input?: unknown }) => {
    if (input === undefined) return 'is missing'
    return typeof rule === 'string' ? rule : rule(String(input))
  },
})

/** How the text of a variable becomes a value; one that cannot is left for the schema to report. */
type FromText = (given: GivenText) => unknown
const asText: FromText = ({ text }) => text

interface More {
  readonly kind: SettingKind
  readonly fromText?: FromText
  /** Of the generated JSON schema. */
  readonly pattern?: string
  readonly type?: 'string'
}

/** The schema with its default, and with what variables and the reference need. */
function setting<Schema extends z.ZodType>(
  schema: Schema,
  { default: preset, ...meta }: Row<unknown> & Pick<SettingMeta, 'description'>,
  { fromText = asText, ...more }: More,
) {
  const complete = z.preprocess((value) => (value instanceof GivenText ? fromText(value) : value), schema)
  const withDefault = preset === undefined ? complete : complete.prefault(preset)
  return withDefault.meta({ ...meta, ...more }) as unknown as Schema // a default does not change the type of the result
}

const checked = ({ isValid, rule }: Check = anyText) => z.string(message(textRule)).refine(isValid, message(rule))

export const text = (description: string, { check, ...row }: TextRow = {}) =>
  setting(checked(check), { description, ...row }, { kind: 'text' })

interface SecretRow extends TextRow {
  readonly kind?: SettingKind
  /** How it is printed; `***` by default. */
  readonly shownAs?: (text: string) => string
}

/** A text that is not printed, and is read again from its file at each use: a secret, a certificate. */
export const secret = (description: string, { kind = 'secret', shownAs, check, ...row }: SecretRow = {}) =>
  setting(sealed(check, shownAs), { description, ...row }, { kind, fromText: (given) => given, type: 'string' })

function sealed({ isValid, rule }: Check = anyText, shownAs?: SecretRow['shownAs']) {
  const seal = (value: unknown) => {
    const given = typeof value === 'string' ? new GivenText(value) : value
    return given instanceof GivenText ? secretFrom(given, isValid, shownAs?.(given.text)) : value
  }
  return z
    .preprocess(seal, z.instanceof(Secret, message(textRule)))
    .refine((one) => isValid(one.reveal()), { error: typeof rule === 'string' ? rule : textRule })
}

interface ListRow extends TextRow<readonly string[]> {
  readonly isRequired?: true
}

/** A list of texts; separated by commas or line ends in a variable. */
export function textList(description: string, { check, isRequired, ...row }: ListRow) {
  const items = z.array(z.preprocess(plain, checked(check)), message(listRule))
  const schema = isRequired === true ? items.min(1, 'is missing') : items
  return setting(schema, { description, ...row }, { kind: 'list', fromText: ({ text }) => listItems(text) })
}

/** A list of anything that a text can stand for. */
export function list<Item extends z.ZodType>(
  description: string,
  items: z.ZodArray<Item>,
  row: Row<readonly string[]>,
) {
  return setting(items, { description, ...row }, { kind: 'list', fromText: ({ text }) => listItems(text) })
}

const listItems = (text: string) =>
  text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '')

type ChoicesRow<Choices extends Spellings> = ChoiceRow<Choices> & { readonly inAnyCase?: true }

/** A choice, in capital letters too if `inAnyCase`. */
export function choice<const Choices extends Spellings>(
  description: string,
  { choices, inAnyCase, ...row }: ChoicesRow<Choices>,
) {
  const spellings = inAnyCase === true ? [...choices, ...choices.map((one) => one.toUpperCase())] : choices
  const schema = z
    .enum(spellings, message(`must be one of ${choices.join(', ')}`))
    .transform((spelled) => (inAnyCase === true ? spelled.toLowerCase() : spelled) as Choices[number])
  return setting(schema, { description, ...row }, { kind: 'text' })
}

export function flag(description: string, row: Row<boolean>) {
  const fromText: FromText = ({ text }) => {
    const word = text.trim().toLowerCase()
    return word === 'true' || (word === 'false' ? false : text)
  }
  return setting(z.boolean(message('must be true or false')), { description, ...row }, { kind: 'boolean', fromText })
}

export function wholeNumber(description: string, { min, max, ...row }: Row<number> & Range) {
  const error = message(`must be a whole number from ${min} to ${max}`)
  const fromText: FromText = ({ text }) => (/^-?\d{1,15}$/.test(text.trim()) ? Number(text) : text)
  return setting(z.int(error).min(min, error).max(max, error), { description, ...row }, { kind: 'number', fromText })
}

type QuantityRow = Row<string> & Partial<Range>

/** A duration with its unit; milliseconds once loaded, as `min` and `max` are. */
export const duration = (description: string, row: QuantityRow) => quantity(description, row, [durations, 'duration'])

/** A size with its unit; bytes once loaded. */
export const size = (description: string, row: QuantityRow) => quantity(description, row, [sizes, 'size'])

const orVariable = String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*\}`

function quantity(
  description: string,
  { min = 1, max = 2 ** 31 - 1, ...row }: QuantityRow,
  [{ rule, pattern, parse, print }, kind]: readonly [Quantity, SettingKind],
) {
  const isWithin = (value: number | undefined) => value === undefined || (value >= min && value <= max)
  const schema = z
    .string(message(rule))
    .refine((value) => parse(value) !== undefined, rule)
    .refine((value) => isWithin(parse(value)), `must be between ${print(min)} and ${print(max)}`)
    .transform((value) => parse(value) ?? 0)
  return setting(schema, { description, ...row }, { kind, pattern: `${pattern.source}|^${orVariable}$` })
}

/** Settings that may be absent. */
export const optional = {
  text: (...row: Parameters<typeof text>) => text(...row).optional(),
  secret: (...row: Parameters<typeof secret>) => secret(...row).optional(),
  textList: (...row: Parameters<typeof textList>) => textList(...row).optional(),
  flag: (...row: Parameters<typeof flag>) => flag(...row).optional(),
  wholeNumber: (...row: Parameters<typeof wholeNumber>) => wholeNumber(...row).optional(),
  choice: <const Choices extends Spellings>(description: string, row: ChoicesRow<Choices>) =>
    choice(description, row).optional(),
}

/** Of the name of an entry; undefined if it is valid. */
type NameProblem = (name: string) => string | undefined

/** Names with values; in a variable, lines of `Name: value`. */
function map<Value extends z.ZodType>(
  value: Value,
  { description, problemOf, ...row }: Row<object> & { readonly description: string; readonly problemOf?: NameProblem },
) {
  const names: Rule<object> = (entries) =>
    Object.keys(entries).flatMap((name) => {
      const what = problemOf?.(name)
      return what === undefined ? [] : [{ path: [name], what }]
    })
  const schema = z.record(z.string(), value, message(mapRule)).superRefine(adding([names]), { when: isMap })
  return setting(schema, { description, ...row }, { kind: 'map', fromText: mapEntries })
}

const plain = (value: unknown) => (value instanceof GivenText ? value.text : value)
const written = z.preprocess(
  plain,
  z.union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false').transform(String),
)

/** Settings of another system by name; values become text. */
export const textMap = (description: string, row: Row<Readonly<Record<string, string>>>) =>
  map(written, { description, ...row })

/** A choice for each name. */
export const choiceMap = <const Choices extends Spellings>(
  description: string,
  { choices, ...row }: ChoiceRow<Choices, object> & { readonly problemOf: NameProblem },
) => map(z.preprocess(plain, z.enum(choices, `must be one of ${choices.join(', ')}`)), { description, ...row })

/** Names with secret values. */
export const secretMap = (
  description: string,
  { check, ...row }: Row<object> & { readonly check: Check; readonly problemOf: NameProblem },
) => map(z.preprocess(number, sealed(check)).meta({ type: ['string', 'number', 'boolean'] }), { description, ...row })

const number = (value: unknown) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value)

function mapEntries(given: GivenText): unknown {
  const entries = entriesOf(given.text)
  const entry = (name: string, value: string) => new GivenText(value, () => entriesOf(given.again() ?? '')?.[name])
  if (entries === undefined) return given.text
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, entry(name, value)]))
}

/** Undefined if there is another line. */
function entriesOf(text: string): Readonly<Record<string, string>> | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const entries = lines.map((line) => /^\s*([^\s:]+)\s*:\s*(.*?)\s*$/.exec(line)?.slice(1))
  return entries.every((entry) => entry !== undefined) ? Object.fromEntries(entries) : undefined
}

/** A rule about several settings of a section, checked when each is valid by itself. */
export type Rule<Settings> = (settings: Settings) => readonly Violation[]

/** A section that applies its defaults if it is absent; an unknown key is an error. */
export const section = <Shape extends z.core.$ZodLooseShape>(
  description: string,
  shape: Shape,
  rules: readonly Rule<z.output<z.ZodObject<Shape>>>[] = [],
) =>
  ruled(strictSection(shape), rules)
    .prefault({} as never)
    .meta({ description })

/** A section without defaults, undefined if absent. */
export const optionalSection = <Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) =>
  strictSection(shape).optional().meta({ description })

export const strictSection = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, message('must be a map of settings'))

export const ruled = <Schema extends z.ZodType>(schema: Schema, rules: readonly Rule<z.output<Schema>>[]) =>
  schema.superRefine(adding(rules), { when: ({ issues }) => issues.length === 0 })

const adding =
  <Settings>(rules: readonly Rule<Settings>[]) =>
  (settings: Settings, { addIssue }: Pick<z.core.$RefinementCtx<Settings>, 'addIssue'>) => {
    for (const { path, what } of rules.flatMap((rule) => rule(settings)))
      addIssue({ code: 'custom', path: [...path], message: what })
  }

const isMap = ({ value }: z.core.ParsePayload) => typeof value === 'object' && value !== null
