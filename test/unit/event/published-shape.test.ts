import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FieldAction, fieldActions, fieldHash, fieldRules } from '../../../connector/event/fields/field-rules.ts'
import type { ValueType } from '../../../connector/event/fields/field-types.ts'
import { newLists } from '../../../connector/event/list-shapes.ts'
import { clientReader, type ReadingRules } from '../../../connector/event/read-client.ts'
import { decodeAnswer } from '../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../connector/source/polaris/decode/page/decode-page.ts'

// Random clients become events, and a second, naive implementation says which texts stand at which paths of them.

/** `FUZZ_CLIENTS=100000 npm run test:unit -- THIS_FILE` takes some minutes. */
const CLIENTS = Number(process.env.FUZZ_CLIENTS ?? 1000)
const CLIENTS_A_PAGE = 2

type Tree =
  | { readonly kind: 'leaf'; readonly form: 'text' | 'number' }
  | { readonly kind: 'nil' | 'empty' }
  | {
      readonly kind: 'object'
      readonly fields: readonly Field[]
      readonly attributes: readonly string[]
      readonly hasText: boolean
    }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
type Field = readonly [name: string, value: Tree]

const names = ['Nom', 'Tel', 'Numero', 'Carte', 'Cartes', 'nom', 'A.b', 'Nom.Tel', '__proto__'] as const
const jsonNames = [...names, '$values', '$id'] as const
const leaf: fc.Arbitrary<Tree> = fc.record({
  kind: fc.constant('leaf'),
  form: fc.constantFrom('text', 'text', 'number'),
})
const absent: fc.Arbitrary<Tree> = fc.record({ kind: fc.constantFrom('nil', 'empty') })

function treesOf(format: 'xml' | 'json') {
  const name = fc.constantFrom(...(format === 'xml' ? names : jsonNames))
  const { fields } = fc.letrec<{ tree: Tree; fields: readonly Field[] }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      { weight: 4, arbitrary: leaf },
      { weight: 1, arbitrary: absent },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('object'),
          fields: tie('fields'),
          attributes: format === 'xml' ? fc.subarray(['Nom', 'x'], { maxLength: 1 }) : fc.constant([]),
          hasText: format === 'xml' ? fc.boolean() : fc.constant(false),
        }),
      },
      ...(format === 'xml'
        ? []
        : [
            {
              weight: 2,
              arbitrary: fc.record({ kind: fc.constant('list'), items: fc.array(tie('tree'), { maxLength: 3 }) }),
            },
          ]),
    ) as fc.Arbitrary<Tree>,
    fields:
      format === 'xml'
        ? fc.array(fc.tuple(name, tie('tree')), { minLength: 1, maxLength: 4 })
        : fc.uniqueArray(fc.tuple(name, tie('tree')), { minLength: 1, maxLength: 4, selector: ([one]) => one }),
  }))
  // A whole client that is written as the list of Json.NET is no client.
  return fields.filter((some) => !some.some(([name, { kind }]) => name === '$values' && kind === 'list'))
}

/** A client whose leaves have texts of their own. */
type Named =
  | { readonly kind: 'leaf'; readonly text: string; readonly form: 'text' | 'number' }
  | { readonly kind: 'nil' | 'empty' }
  | {
      readonly kind: 'object'
      readonly fields: readonly (readonly [string, Named])[]
      readonly attributes: readonly (readonly [string, string])[]
      readonly text: string
    }
  | { readonly kind: 'list'; readonly items: readonly Named[] }

function named(fields: readonly Field[], changed = -1): Named {
  let count = 0
  const text = (form: 'text' | 'number' = 'text') => {
    count += 1
    return `${form === 'text' ? 's' : '9'}${count}${count === changed ? '0000' : ''}`
  }
  const below = (tree: Tree): Named => {
    if (tree.kind === 'leaf') return { ...tree, text: text(tree.form) }
    if (tree.kind === 'list') return { ...tree, items: tree.items.map(below) }
    if (tree.kind !== 'object') return tree
    return {
      kind: 'object',
      attributes: tree.attributes.map((name) => [name, text()] as const),
      text: tree.hasText ? text() : '',
      fields: tree.fields.map(([name, value]) => [name, below(value)] as const),
    }
  }
  return below({ kind: 'object', fields, attributes: [], hasText: false })
}

function xmlOf(name: string, value: Named): string {
  if (value.kind === 'leaf') return `<${name}>${value.text}</${name}>`
  if (value.kind === 'nil') return `<${name} xsi:nil="true"/>`
  if (value.kind !== 'object') return `<${name}/>`
  const attributes = value.attributes.map(([key, text]) => ` ${key}="${text}"`).join('')
  return `<${name}${attributes}>${value.text}${value.fields.map(([key, field]) => xmlOf(key, field)).join('')}</${name}>`
}

function jsonOf(value: Named): string {
  if (value.kind === 'leaf') return value.form === 'number' ? value.text : `"${value.text}"`
  if (value.kind === 'list') return `[${value.items.map(jsonOf).join()}]`
  if (value.kind !== 'object') return value.kind === 'nil' ? 'null' : '""'
  return `{${value.fields.map(([name, field]) => `"${name}":${jsonOf(field)}`).join()}}`
}

const pageOf = (format: 'xml' | 'json', clients: readonly Named[]) =>
  format === 'xml'
    ? `<P xmlns:xsi="i"><hasMoreResults>0</hasMoreResults>${clients.map((client) => xmlOf('InfoClient', client)).join('')}</P>`
    : `{"hasMoreResults":false,"InfoClient":[${clients.map(jsonOf).join()}]}`

interface Rules {
  readonly others: 'keep' | 'drop'
  readonly actions: ReadonlyMap<string, FieldAction>
  readonly types: ReadonlyMap<string, ValueType>
  readonly ignored: ReadonlySet<string>
  readonly lists: readonly string[]
}

/** A text or an HMAC in an event, at its path, in which `[]` stands for each list. */
interface Shown {
  readonly path: string
  readonly value: string
  /** What decides whether the client changed. */
  readonly content: string
  readonly steps: readonly string[]
}

const key = 'a key of thirty-two characters..'
const hashOf = (text: string) => createHmac('sha256', key).update(text).digest('base64url')
const pathOf = (steps: readonly string[]) => steps.join('.').toLowerCase()

/** Leaves out what is no content of an object. */
const withoutIds = (key: string, value: unknown) => {
  if (key === 'text' && value === '') return undefined
  return Array.isArray(value) ? value.filter((field) => !Array.isArray(field) || field[0] !== '$id') : value
}

/** The naive implementation. `repeated`: the paths that some client of the page repeats. */
function shownOf(client: Named, format: 'xml' | 'json', rules: Rules, repeated: readonly string[]): Shown[] {
  const lists = [...rules.lists, ...repeated].map((path) => path.toLowerCase().split('.'))
  const isList = (steps: readonly string[]) => lists.some((list) => String(list) === String(steps).toLowerCase())
  const leafAt = (text: string, { steps, path }: Place, action: FieldAction): Shown[] => {
    if (action === 'drop') return []
    const type = rules.types.get(pathOf(steps))
    const literal = (type === 'integer' || type === 'decimal') && text.startsWith('9')
    const value = action === 'hmac' ? `"${hashOf(text)}"` : literal ? text : `"${text}"`
    return [{ path, value, content: value, steps }]
  }
  const objectAt = (value: Named & { kind: 'object' }, { steps, path }: Place, action: FieldAction): Shown[] => {
    const fields: (readonly [string, Named])[] = [
      ...value.attributes.map(([name, text]) => [name, { kind: 'leaf', text, form: 'text' }] as const),
      ...(value.text === '' ? [] : [['#text', { kind: 'leaf', text: value.text, form: 'text' }] as const]),
      ...value.fields.filter(([name, field]) => name !== '$id' && field.kind !== 'nil'),
    ]
    const content = JSON.stringify(fields, withoutIds)
    if (action === 'hmac' && value.text !== '') return leafAt(value.text, { steps, path }, action)
    if (action === 'hmac') return /"[s9]\d+"/.test(content) ? [{ path, value: '#', content, steps }] : []
    return fields.flatMap(([name, field]) => {
      const isText = name === '#text'
      const own = isText ? steps : [...steps, name]
      const isRepeated = format === 'xml' && fields.filter(([other]) => other === name).length > 1
      const place = { steps: own, path: `${path}.${name}` }
      const below = rules.actions.get(pathOf(own)) ?? action
      return isRepeated
        ? at(field, { ...place, path: `${place.path}[]` }, below, true)
        : at(field, place, below, isText)
    })
  }
  /** `isItem`: of a list, or the text of one. */
  const at = (value: Named, place: Place, action: FieldAction, isItem: boolean): Shown[] => {
    const items = itemsOf(value)
    if (items !== undefined)
      return items.flatMap((item) => at(item, { ...place, path: `${place.path}[]` }, action, true))
    const isOne = !isItem && isList(place.steps)
    const here = isOne ? { ...place, path: `${place.path}[]` } : place
    if (value.kind === 'leaf') return leafAt(value.text, here, action)
    if (value.kind === 'object') return objectAt(value, here, action)
    return []
  }
  const shown = client.kind === 'object' ? objectAt(client, { steps: [], path: '' }, rules.others) : []
  return shown.toSorted((one, other) => (one.path + one.value < other.path + other.value ? -1 : 1))
}

interface Place {
  readonly steps: readonly string[]
  readonly path: string
}

/** The items of a list of JSON, also as Json.NET writes one. */
function itemsOf(value: Named): readonly Named[] | undefined {
  if (value.kind === 'list') return value.items
  const others = value.kind === 'object' ? value.fields.filter(([name]) => name !== '$id') : []
  const [[name, items] = []] = others
  return others.length === 1 && name === '$values' && items?.kind === 'list' ? items.items : undefined
}

/** The same of the JSON of an event. HMACs of objects are `#`. */
function shownIn(json: string, known: ReadonlySet<string>): Pick<Shown, 'path' | 'value'>[] {
  const flat = (value: unknown, path: string): Pick<Shown, 'path' | 'value'>[] => {
    if (Array.isArray(value)) return value.flatMap((item) => flat(item, `${path}[]`))
    if (typeof value === 'object' && value !== null)
      return Object.entries(value).flatMap(([name, field]) => flat(field, `${path}.${name}`))
    const text = JSON.stringify(value)
    if (text === '""') return []
    return [{ path, value: text.length === 45 && !known.has(text) ? '#' : text }]
  }
  return flat(JSON.parse(json), '').toSorted((one, other) => (one.path + one.value < other.path + other.value ? -1 : 1))
}

const paths = (client: Named): string[] => {
  const below = (value: Named, steps: readonly string[]): string[] => {
    const items = itemsOf(value)
    if (items !== undefined) return items.flatMap((item) => below(item, steps))
    if (value.kind !== 'object') return [pathOf(steps)]
    const inner = value.fields.flatMap(([name, field]) => below(field, [...steps, name]))
    const more = value.attributes.map(([name]) => pathOf([...steps, name]))
    return [pathOf(steps), ...more, ...inner]
  }
  return below(client, []).filter((path) => path !== '')
}

/** A few of the paths of the clients, and one that none of them has. */
const some = <Value>(value: fc.Arbitrary<Value>, maxLength: number) =>
  fc.array(fc.tuple(fc.nat(), value), { maxLength })
const picked = <Value>(from: readonly string[], of: readonly (readonly [number, Value])[]) =>
  of.map(([at, value]): [string, Value] => [
    at % 10 === 0 ? 'nom.tel.numero' : (from[at % from.length] ?? 'nom'),
    value,
  ])

const settings = fc.record({
  others: fc.constantFrom('keep', 'drop'),
  actions: some(fc.constantFrom(...fieldActions), 4),
  types: some(fc.constantFrom('integer', 'decimal', 'boolean'), 2),
  ignored: some(fc.constant(0), 2),
  lists: some(fc.constant(0), 2),
})

test.each(['xml', 'json'] as const)(
  'an event of a client read as %s has its texts at their own paths, and none that is dropped or hashed',
  (format) => {
    const clientsOf = fc.array(treesOf(format), { minLength: CLIENTS_A_PAGE, maxLength: CLIENTS_A_PAGE })
    const property = fc.property(clientsOf, settings, fc.nat(), (trees, wanted, seed) => {
      const clients = trees.map((fields) => named(fields))
      const from = clients.flatMap(paths)
      const rules: Rules = {
        others: wanted.others,
        actions: new Map(picked(from, wanted.actions)),
        types: new Map(picked(from, wanted.types)),
        ignored: new Set(picked(from, wanted.ignored).map(([path]) => path)),
        lists: picked(from, wanted.lists).map(([path]) => path),
      }
      const changed = trees.map((fields) => named(fields, 1 + (seed % 12)))
      const decoded = (of: readonly Named[]) =>
        decodePage(decodeAnswer(pageOf(format, of)), { timeZone: 'UTC' }).clients
      const found = format === 'xml' ? newLists(decoded(clients), rules.lists) : []
      const reading: ReadingRules = {
        timeZone: 'UTC',
        ignored: rules.ignored,
        lists: rules.lists,
        types: rules.types,
        fields: fieldRules(rules.others, rules.actions),
        hmac: fieldHash(key),
      }
      const read = clientReader({ clientId: 'No', modifiedAt: null }, found, reading)
      const events = decoded(clients).map(read)
      const changedEvents = decoded(changed).map(read)
      for (const [at, client] of clients.entries()) {
        const { json = '', contentHash } = events[at] ?? {}
        const shown = shownOf(client, format, rules, found)
        const known = new Set(shown.map(({ value }) => value))
        expect(shownIn(json, known)).toEqual(shown.map(({ path, value }) => ({ path, value })))
        const counted = (of: readonly Shown[]) => {
          const isIgnored = ({ steps }: Shown) =>
            steps.some((_, at) => rules.ignored.has(pathOf(steps.slice(0, at + 1))))
          return JSON.stringify(of.filter((one) => !isIgnored(one)).map(({ content }) => content))
        }
        const other = shownOf(changed[at] ?? client, format, rules, found)
        const isSame = changedEvents[at]?.contentHash === contentHash
        expect(isSame).toBe(counted(other) === counted(shown))
      }
    })
    fc.assert(property, { numRuns: CLIENTS / CLIENTS_A_PAGE / 2 })
  },
  60_000 + 10 * CLIENTS,
)
