import * as z from 'zod'
import type { Violation } from './config-problem.ts'
import { Secret } from './secret.ts'
import { type Check, durations, type Quantity, sizes } from './setting-checks.ts'

/** Decides how a value is documented. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'duration' | 'size' | 'secret' | 'url'

/** What the schema holds besides the type, for variables and for the reference. */
export interface SettingMeta {
  /** It describes the setting for operators in one or two sentences, without the final full stop. */
  readonly description: string
  /** The environment variable that sets it, if that is not its path in capital letters. */
  readonly variable?: string
  /** The variable that applies if `variable` is not set, as for other programs that use AWS. */
  readonly fallback?: string
  /** The value is PEM text: if it is a path, the file is read. */
  readonly pem?: true
}

/** One setting; its key is that in the section. Required, unless it has a default or is `.optional()`. */
interface Row<Written = string> extends Omit<SettingMeta, 'description'> {
  /** The default as it is written in the file. */
  readonly default?: Written
  readonly check?: Check
}

type Spellings = readonly [string, ...string[]]

/** It rejects a lone surrogate, which YAML can have: it is no text for a server. */
const anyText: Check = { isValid: (text) => text.isWellFormed(), rule: 'must be text without half a character' }
const textRule = 'must be text: put it in quotes'

const message = (rule: Check['rule']) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined ? 'is missing' : ruleOf(rule, input)),
})
const ruleOf = (rule: Check['rule'], input: unknown) => (typeof rule === 'string' ? rule : rule(String(input)))

interface More {
  readonly kind: SettingKind
  /**
   * Makes a value of a text, as a variable has only texts; one that cannot become a value is left for the schema to
   * report.
   */
  readonly fromText?: (text: string) => unknown
  /** The pattern of the generated JSON schema. */
  readonly pattern?: string | undefined
  /** The reference prints it: the limits of a quantity, or else the rule of the check. */
  readonly rule?: string
}

/** Returns the schema with its default, and with what variables and the reference need. */
function setting<Schema extends z.ZodType>(
  schema: Schema,
  { default: preset, check, ...meta }: Row<unknown> & SettingMeta,
  { fromText = (text) => text, ...more }: More,
) {
  const complete = z.preprocess((value) => (typeof value === 'string' ? fromText(value) : value), schema)
  const withDefault = preset === undefined ? complete : complete.prefault(preset as never)
  return withDefault.meta({ ...meta, rule: check?.rule, ...more }) as unknown as Schema // a default does not change the type of the result
}

const checkedText = ({ isValid, rule }: Check = anyText) => z.string(message(textRule)).refine(isValid, message(rule))

export const text = (description: string, row: Row = {}) =>
  setting(checkedText(row.check), { description, ...row }, { kind: 'text', pattern: patternOf(row.check) })

const patternOf = ({ pattern }: Check = anyText) => pattern && `${pattern.source}|\\$\\{|^$`

/**
 * Makes a setting of a text that is not printed, and is read again from its file at each use: a secret, a certificate.
 */
export const secret = (description: string, { kind = 'secret', ...row }: Row & Partial<More> = {}) =>
  setting(secretText(row.check), { description, ...row }, { kind })

/** Makes a secret of a text. Invariant 8: the rule is a text, which cannot repeat the secret. */
const secretText = (check: Check = anyText) => checkedText(check).transform((given) => new Secret(given, check.isValid))

/**
 * Makes a setting of a list of texts, which a text separates by commas or line ends. Without a default, it needs one.
 */
export function textList(description: string, row: Row<readonly string[]>) {
  const items = z.array(checkedText(row.check), message('must be a list, such as [one, another]'))
  return list(description, row.default === undefined ? items.min(1, 'is missing') : items, row)
}

/**
 * Makes a setting of a list whose texts are read again from their file at each use; one text may then have several
 * items.
 */
export function secretList(description: string, { isValid, rule }: Check) {
  const each: Check = { isValid: (text) => text !== '' && listItems(text).every(isValid), rule }
  return list(
    description,
    z.array(secretText(each), message('must be a list, such as [one, another]')).min(1, 'is missing'),
    {},
  )
}

/** Makes a setting of a list of anything that a text can stand for. */
export function list<Item extends z.ZodType>(
  description: string,
  items: z.ZodArray<Item>,
  row: Row<readonly string[]>,
) {
  return setting(items, { description, ...row }, { kind: 'list', fromText: listItems })
}

const listItems = (given: string) =>
  given
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** Makes a setting of one of some words, in any case. */
export function choice<const Choices extends Spellings>(
  description: string,
  { choices, ...row }: Row<Choices[number]> & { readonly choices: Choices },
) {
  const schema = z.enum(choices, message(`must be one of ${choices.join(', ')}`))
  return setting(schema, { description, ...row }, { kind: 'text', fromText: asChoice(choices) })
}

const asChoice = (choices: Spellings) => (given: string) =>
  choices.find((one) => one.toLowerCase() === given.trim().toLowerCase()) ?? given

export function flag(description: string, row: Row<boolean> = {}) {
  const fromText = (given: string) => ({ true: true, false: false })[given.trim().toLowerCase()] ?? given
  return setting(z.boolean(message('must be true or false')), { description, ...row }, { kind: 'boolean', fromText })
}

export function wholeNumber(description: string, { min, max, ...row }: Row<number> & Record<'min' | 'max', number>) {
  const error = message(`must be a whole number from ${min} to ${max}`)
  const fromText = (given: string) => (/^-?\d{1,15}$/.test(given.trim()) ? Number(given) : given)
  return setting(z.int(error).min(min, error).max(max, error), { description, ...row }, { kind: 'number', fromText })
}

type QuantityRow = Row & { readonly min: string }

/** Makes a setting of a duration with its unit, which becomes milliseconds. */
export const duration = (description: string, row: QuantityRow) =>
  quantitySetting(description, row, [durations, 'duration'])

/** Makes a setting of a size with its unit, which becomes bytes. */
export const size = (description: string, row: QuantityRow) => quantitySetting(description, row, [sizes, 'size'])

const orVariable = String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*\}`

function quantitySetting(
  description: string,
  { min, ...row }: QuantityRow,
  [{ rule, most, pattern, parse }, kind]: readonly [Quantity, SettingKind],
) {
  const least = parse(min) ?? 0
  const isWithin = (value: number) => value >= least && value <= (parse(most) ?? 0)
  const schema = z
    .string(message(rule))
    .regex(pattern, rule)
    .transform((value) => parse(value) ?? Number.NaN)
    .refine(isWithin, `must be between ${min} and ${most}`)
  const more = { kind, pattern: `${pattern.source}|^${orVariable}$`, rule: `${min} to ${most}` }
  return setting(schema, { description, ...row }, more)
}

/** `check` is for the values, `names` for their names. */
interface MapRow extends Row<object> {
  readonly names?: Check
}

/** Makes a setting of names with values; in a text, they are lines of `Name: value`. */
function map<Value extends z.ZodType>(description: string, value: Value, { names = anyText, ...row }: MapRow) {
  const validNames: Rule<object> = (entries) =>
    Object.keys(entries).flatMap((name) =>
      names.isValid(name) ? [] : [{ path: [name], what: ruleOf(names.rule, name) }],
    )
  const schema = z
    .record(
      z.string(),
      value,
      message('must be a map of names to values; in a variable, lines of Name: value, each name once'),
    )
    .superRefine(reportViolations([validNames]), { when: isMap })
  return setting(schema, { description, ...row }, { kind: 'map', fromText: (given) => linesOf(given) ?? given })
}

const textOfPlain = (value: unknown) =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
const orPlain = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess(textOfPlain, schema).meta({ type: ['string', 'number', 'boolean'] })

/** Makes a setting of settings of another system by name; values become text. */
export const textMap = (description: string, row: MapRow) =>
  map(description, orPlain(z.string('must be text, a number, true or false').min(1, 'is missing')), row)

/** Makes a setting of a choice for each name. */
export const choiceMap = <const Choices extends Spellings>(
  description: string,
  { choices, ...row }: MapRow & { readonly choices: Choices },
) => map(description, z.enum(choices, `must be one of ${choices.join(', ')}`), row)

/** Makes a setting of names with secret values. */
export const secretMap = (description: string, row: MapRow) =>
  map(description, orPlain(secretText(row.check)).meta({ kind: 'secret' }), row)

/** Returns the entries of lines of `Name: value`; undefined if there is another line, or a name twice. */
export function linesOf(given: string): Readonly<Record<string, string>> | undefined {
  const lines = given.split('\n').filter((line) => line.trim() !== '')
  const entries = lines.map((line) => /^\s*([^\s:]+)\s*:\s*(.*?)\s*$/.exec(line)?.slice(1))
  if (!entries.every((entry) => entry !== undefined)) return undefined
  const map: Record<string, string> = Object.fromEntries(entries)
  return Object.keys(map).length === entries.length ? map : undefined
}

/** A rule about several settings of a section, checked when each is valid by itself. */
export type Rule<Settings> = (settings: Settings) => readonly Violation[]

/** Makes a section that applies its defaults if it is absent; an unknown key is an error. */
export const section = <Shape extends z.core.$ZodLooseShape>(
  description: string,
  shape: Shape,
  rules: readonly Rule<z.output<z.ZodObject<Shape>>>[] = [],
) =>
  withRules(strictSection(shape), rules)
    .prefault({} as never)
    .meta({ description })

/** Makes a section without defaults, undefined if absent. */
export const optionalSection = <Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) =>
  strictSection(shape).optional().meta({ description })

export const strictSection = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, message('must be a map of settings'))

export const withRules = <Schema extends z.ZodType>(schema: Schema, rules: readonly Rule<z.output<Schema>>[]) =>
  schema.superRefine(reportViolations(rules), { when: ({ issues }) => issues.length === 0 })

const reportViolations =
  <Settings>(rules: readonly Rule<Settings>[]) =>
  (settings: Settings, { addIssue }: z.core.$RefinementCtx<Settings>) => {
    for (const { path, what } of rules.flatMap((rule) => rule(settings)))
      addIssue({ code: 'custom', path: [...path], message: what })
  }

const isMap = ({ value }: z.core.ParsePayload) => typeof value === 'object' && value !== null
