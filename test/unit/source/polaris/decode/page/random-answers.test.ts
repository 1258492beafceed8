import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeOf } from '../../../../../../connector/runtime/connector-error.ts'
import { decodeAnswer } from '../../../../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage, type PageSettings } from '../../../../../../connector/source/polaris/decode/page/decode-page.ts'

// Random answers, of which the test knows where the clients are: each is read with all of them, or refused.

interface Client {
  readonly No: string
  readonly [field: string]: unknown
}

/** The clients of a page, or objects that are none, below wrappers of their own. */
interface Part {
  readonly wrappers: readonly string[]
  readonly name: string
  readonly content: readonly Client[]
  /** How it is written: an array or repeated elements, the only one without a list, null, or left out. */
  readonly form: 'list' | 'single' | 'null' | 'absent' | '$values'
}

interface Answer {
  readonly output: 'json' | 'xml'
  readonly flagIn: readonly string[]
  readonly clients: Part
  readonly others: readonly Part[]
  readonly error: boolean
  readonly known: 'nothing' | 'kept' | 'configured'
}

const cards = fc.constantFrom(undefined, [{ a: '1' }], [{ a: '1' }, { a: '2' }], [])
const clientsWith = (prefix: string) =>
  fc
    .array(cards, { maxLength: 3 })
    .map((all) =>
      all.map(
        (Cartes, at): Client => (Cartes === undefined ? { No: `${prefix}${at}` } : { No: `${prefix}${at}`, Cartes }),
      ),
    )
const wrappers = fc.array(fc.constantFrom('data', 'result', 'page'), { maxLength: 2 })
const forms = fc.constantFrom('list', 'list', 'single', 'null', 'absent', '$values' as const)

/** What holds clients may have any name; what does not is never called after clients. */
const clientsPart = fc.record({
  wrappers,
  name: fc.constantFrom('clients', 'Client', 'InfoClient', 'items', 'fiche'),
  content: clientsWith('c'),
  form: forms,
})
const otherPart = fc.record({
  wrappers,
  name: fc.constantFrom('shops', 'warnings', 'status', 'promotions'),
  content: clientsWith('x'),
  form: forms,
})
const answers: fc.Arbitrary<Answer> = fc.record({
  output: fc.constantFrom('json', 'xml'),
  flagIn: fc.oneof(fc.constant([]), fc.constant(['pagination']), wrappers),
  clients: clientsPart,
  others: fc.array(otherPart, { maxLength: 2 }),
  error: fc.integer({ max: 19, min: 0 }).map((number) => number === 0),
  known: fc.constantFrom('nothing', 'kept', 'configured'),
})

/** The clients that the answer shows. One without a list is shown only where it is the only one. */
const shown = ({ content, form }: Part) => (form === 'null' || form === 'absent' ? [] : content)

function writtenValue({ content, form }: Part, output: Answer['output']): unknown {
  if (form === 'null') return null
  if (form === 'single' && content.length === 1) return content[0]
  return form === '$values' && output === 'json' ? { $id: '1', $values: content } : content
}

type Tree = { [name: string]: unknown }

/** Writes a part into the tree; does nothing if its place is taken. */
function put(tree: Tree, path: readonly string[], value: unknown): boolean {
  const [name = '', ...rest] = path
  if (rest.length === 0) {
    if (name in tree) return false
    tree[name] = value
    return true
  }
  tree[name] ??= {}
  const below = tree[name]
  return typeof below === 'object' && below !== null && !Array.isArray(below) && put(below as Tree, rest, value)
}

const xmlOf = (name: string, value: unknown): string => {
  if (Array.isArray(value)) return value.map((item) => xmlOf(name, item)).join('')
  if (value === null) return `<${name} nil="1"/>`.replace(' nil="1"', '')
  if (typeof value !== 'object') return `<${name}>${value}</${name}>`
  const inner = Object.entries(value as Tree).map(([below, item]) => xmlOf(below, item))
  return `<${name}>${inner.join('')}</${name}>`
}

/** Returns the text of the answer; undefined if two of its parts have one place. */
function written({ output, flagIn, clients, others, error }: Answer): string | undefined {
  const tree: Tree = {}
  const parts = [clients, ...others].filter(({ form }) => form !== 'absent')
  const isPut = [
    put(tree, [...flagIn, 'hasMoreResults'], false),
    put(tree, [...flagIn, 'checkPoint'], 't'),
    parts.every((part) => put(tree, [...part.wrappers, part.name], writtenValue(part, output))),
    !error || put(tree, ['Error'], 'timeout'),
  ]
  if (!isPut.every(Boolean)) return undefined
  return output === 'json' ? JSON.stringify(tree) : xmlOf('R', tree)
}

const pathOf = ({ wrappers: around, name }: Part) => [...around, name]

test('Invariant 1: an answer is read with all clients that it shows, or is refused', () => {
  const read = { all: 0, refused: 0 }
  fc.assert(
    fc.property(answers, (answer) => {
      const text = written(answer)
      fc.pre(text !== undefined)
      const isKnown = answer.known !== 'nothing'
      const known: PageSettings['known'] = isKnown
        ? { path: pathOf(answer.clients), isConfigured: answer.known === 'configured' }
        : undefined
      try {
        const page = decodePage(decodeAnswer(text), { timeZone: 'UTC', known })
        const ids = page.clients.map(({ No }) => No)
        expect(ids).toEqual(expect.arrayContaining(shown(answer.clients).map(({ No }) => No)))
        read.all += 1
      } catch (error) {
        if (codeOf(error) === 'bug') throw error
        expect(codeOf(error)).toMatch(/^source\.(?:mapping|error-document)$/)
        read.refused += 1
      }
    }),
    { numRuns: 3_000 },
  )
  // The test would show nothing if nearly all were refused.
  expect(read.all).toBeGreaterThan(1_000)
  expect(read.refused).toBeGreaterThan(300)
})
