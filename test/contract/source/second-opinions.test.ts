import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { AnswerNode } from '../../../connector/source/polaris/decode/answer-node.ts'
import { decodeAnswer } from '../../../connector/source/polaris/decode/decode-answer.ts'

// The decoder must read what Python's parsers read, and refuse what they refuse.

const DOCUMENTS = 3000
const SEED = 20261128

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

type Tree = string | null | readonly unknown[]

/** The trees of the documents; null: not well-formed. */
async function secondOpinions(format: 'json' | 'xml', documents: readonly string[]): Promise<(Tree | undefined)[]> {
  const python = spawn(file('.cache/python-client/bin/python3'), [file('test/support/page/second-opinion.py'), format])
  python.stdin.end(documents.map((document) => `${Buffer.from(document).toString('base64')}\n`).join(''))
  const [output, errors] = await Promise.all([text(python.stdout), text(python.stderr)])
  expect(errors).toBe('')
  return output
    .trim()
    .split('\n')
    .map((line): Tree | undefined => JSON.parse(line)?.tree)
}

function treeOf(node: AnswerNode): Tree {
  if (node.kind === 'absent') return null
  if (node.kind === 'text') return node.text
  if (node.kind === 'list') return ['list', ...node.children.map(treeOf)]
  return ['object', ...node.children.map((child) => [child.name, treeOf(child)])]
}

/** The tree, or the code of the error. */
function decoded(format: 'json' | 'xml', document: string): { tree: Tree } | { code: string } {
  try {
    const { root } = decodeAnswer(document)
    return { tree: format === 'xml' ? [root.name, treeOf(root)] : treeOf(root) }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

interface Sample {
  readonly document: string
  readonly damage: 'none' | 'cut' | 'changed'
}

/** Some of the documents are cut, and in some a character is replaced or inserted. */
function damaged(document: fc.Arbitrary<string>, characters: string): fc.Arbitrary<Sample> {
  const damage = fc.oneof({ weight: 6, arbitrary: fc.constant('none' as const) }, fc.constantFrom('cut', 'changed'))
  return fc
    .tuple(document, damage, fc.nat(), fc.constantFrom(...characters), fc.boolean())
    .map(([whole, kind, place, character, isInserted]) => {
      const at = place % whole.length
      const rest = whole.slice(isInserted ? at : at + 1)
      const cut = whole.slice(0, at).toWellFormed()
      if (kind === 'none') return { document: whole, damage: kind }
      return kind === 'cut'
        ? { document: cut, damage: kind }
        : { document: `${cut}${character}${rest.toWellFormed()}`, damage: kind }
    })
}

const joined = (part: fc.Arbitrary<string>, separator: string, maxLength = 4) =>
  fc.array(part, { maxLength }).map((parts) => parts.join(separator))

// biome-ignore format: a list
const numbers = ['0', '-0', '-0.0', '1', '-1', '100', '0.10', '1.50', '1e5', '1E+5', '1e-7', '0.0000001', '12345678901234567890', '0.1234567890123456', '1e400', '4.35', '100.00', '0e0']
// biome-ignore format: a list
const badNumbers = ['00', '01', '-', '1.', '.5', '+1', 'NaN', 'Infinity', '1e', '0x1', '1_0']
const number = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...numbers) },
  { weight: 9, arbitrary: fc.bigInt({ min: 0n, max: 10n ** 22n }).map(String) },
  fc.constantFrom(...badNumbers),
)
// biome-ignore format: a list
const stringParts = ['a', 'é', '\\"', '\\\\', '\\n', '\\u00e9', '\\ud83d\\ude00', '😀', '\\/', '{', '}', '[', ']', ':', ',', '1.50', ':-0', '0012', '\u2028', 'hasMoreResults', '\\u0000', '\\b', '\\udc00']
const string = joined(fc.constantFrom(...stringParts), '', 5).map((content) => `"${content}"`)
const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '\r\n')
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc
    .tuple(
      space,
      fc.oneof(
        { maxDepth: 4 },
        number,
        string,
        fc.constantFrom('null', 'true', 'false'),
        joined(tie('json'), ',').map((items) => `[${items}]`),
        joined(
          fc
            .tuple(space, fc.constantFrom('a', 'B', 'No', 'é', '__proto__'), tie('json'))
            .map(([blank, name, value]) => `${blank}"${name}":${value}`),
          ',',
        ).map((fields) => `{${fields}}`),
      ),
      space,
    )
    .map((parts) => parts.join('')),
}))
const jsonDocument = fc
  .tuple(space, json, json)
  .map(([blank, list, value]) => `${blank}{"L":[${list}],"z":${value}}${blank}`)

const name = fc.constantFrom('a', 'B', 'No', 'é', '__proto__', 'x:No', 'InfoClient', '_1-2.3')
// biome-ignore format: a list
const textParts = ['a', 'é', '&amp;', '&lt;', '&#233;', '&#xE9;', '&#x1F600;', '😀', '\n', '\r\n', ' ', '\t', ']', '>', '<![CDATA[<&]]>', '<!-- & -->', '<?p q?>']
const xmlText = joined(fc.constantFrom(...textParts), '')
const attribute = fc
  .tuple(
    fc.oneof(name, fc.constantFrom('xsi:nil', 'xmlns', 'xmlns:x', 'xsi:type', 'xml:space', 'z:Id')),
    fc.constantFrom('', 'true', '1', 'é', '&quot;&#10;', ' a\n\tb ', '&amp;lt;'),
    fc.constantFrom('"', "'"),
  )
  .map(([key, value, quote]) => ` ${key}=${quote}${value}${quote}`)
const { xml } = fc.letrec<{ xml: string }>((tie) => ({
  xml: fc
    .tuple(name, joined(attribute, '', 2), joined(fc.oneof({ maxDepth: 4 }, xmlText, tie('xml')), ''))
    .map(([tag, attributes, content]) =>
      content === '' ? `<${tag}${attributes} />` : `<${tag}${attributes}>${content}</${tag} >`,
    ),
}))
const xmlDocument = fc
  .tuple(fc.constantFrom('', '<?xml version="1.0" encoding="utf-8"?>\n', '<!-- x -->', '\n'), xml)
  .map(([head, root]) => `${head}${root}`)

test.each([
  ['json', damaged(jsonDocument, '{}[],:"01-.eE \\x\n')],
  ['xml', damaged(xmlDocument, '<>&;/"=\'! a]?-')],
] as const)(
  'reads the same values from %s as a second parser, and refuses the same documents',
  async (format, arbitrary) => {
    const samples = fc.sample(arbitrary, { seed: SEED, numRuns: DOCUMENTS })
    const opinions = await secondOpinions(
      format,
      samples.map(({ document }) => document),
    )
    expect(opinions).toHaveLength(DOCUMENTS)
    expect(opinions.filter((opinion) => opinion === undefined).length).toBeGreaterThan(DOCUMENTS / 20)
    for (const [at, { document }] of samples.entries()) {
      const whole = decoded(format, document)
      const opinion = opinions[at]
      if (opinion === undefined)
        expect(whole, document).toHaveProperty('code', expect.stringMatching(/^source\.answer-/))
      else expect(whole, document).toEqual({ tree: opinion })
    }
  },
  60_000,
)
