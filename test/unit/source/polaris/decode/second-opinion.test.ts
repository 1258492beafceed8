import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DocumentNode } from '../../../../../connector/source/polaris/decode/answer-node.ts'
import { readLeniently } from '../../../../../connector/source/polaris/decode/lenient-xml.ts'
import { badAnswers } from '../../../../fixtures/answers/bad-answers.ts'
import { answerForms, renderPage } from '../../../../polaris/answer/render-page.ts'
import { madeUpClient } from '../../../../polaris/clients/made-up-client.ts'
import { wallClockOf } from '../../../../polaris/wall-clock.ts'
import { decodeXml } from '../../../../support/decode-answer-body.ts'

// The strict parser (saxes) and the lenient one (fast-xml-parser) must read the same tree from a well-formed document.

const treeOf = (node: DocumentNode): unknown => [node.name, node.kind, node.text(), node.children().map(treeOf)]

function strictTree(xml: string): unknown {
  // With a configured list, no element is converted to a client before the tree is complete.
  const settings = { timeZone: 'UTC', clientsField: 'none' }
  return treeOf(decodeXml(xml, settings))
}

function bothTrees(xml: string): { strict: unknown; lenient: unknown } {
  const root = readLeniently(xml)
  return { strict: strictTree(xml), lenient: root && treeOf(root) }
}

const name = fc.oneof(
  fc.stringMatching(/^[A-Za-zÀ-ÖØ-öø-ÿ_][\w.-]{0,6}$/),
  fc.stringMatching(/^[a-z]:[A-Z][a-z]{0,4}$/),
  fc.constantFrom('constructor', '__proto__', 'prototype', 'toString', 'InfoClient'),
)
const character = fc.oneof(
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
    .filter((value) => /^[^\p{Cc}\p{Cs}\ufffe\uffff<&>"']+$/u.test(value)),
  fc.constantFrom(...'\n\t \u0085\ufffd]'),
  fc.constantFrom(
    '&lt;',
    '&gt;',
    '&amp;',
    '&quot;',
    '&apos;',
    '&#233;',
    '&#xE9;',
    '&#x1F600;',
    '&#xD83D;&#xDE00;',
    '&#x0;',
    '&#xD83D;',
    '&amp;#x0;',
  ),
)
const text = fc.array(character, { maxLength: 6 }).map((parts) => parts.join(''))
const cdata = fc
  .string({ maxLength: 8 })
  .filter((value) => /^[^\p{Cc}\]]*$/u.test(value))
  .map((value) => `<![CDATA[${value}]]>`)
const ignored = fc.constantFrom('<!-- <a> & -->', '<?x y z?>')
const attributes = fc
  .uniqueArray(
    fc.tuple(
      fc.oneof(name, fc.constantFrom('xsi:nil', 'i:nil', 'xmlns', 'xmlns:a', 'xsi:type', 'xml:space', 'z:Id')),
      // Strict parsers read line ends and tabs in attributes as spaces.
      fc.oneof(
        text.map((value) => value.replace(/[\n\t]/g, ' ')),
        fc.constantFrom('true', '1', 'false'),
      ),
    ),
    { selector: ([key]) => key, maxLength: 3 },
  )
  .map((list) => list.map(([key, value]) => ` ${key}="${value}"`).join(''))
const element: fc.Arbitrary<string> = fc.letrec<{ element: string }>((tie) => ({
  element: fc
    .tuple(
      name,
      attributes,
      fc.array(fc.oneof({ maxDepth: 4 }, text, cdata, ignored, tie('element')), { maxLength: 4 }),
    )
    .map(([tag, listed, content]) =>
      content.length === 0 ? `<${tag}${listed} />` : `<${tag}${listed}>${content.join('')}</${tag} >`,
    ),
})).element

describe('both XML parsers read the same tree', () => {
  it('from generated documents', () => {
    fc.assert(
      fc.property(
        element,
        fc.constantFrom('', '<?xml version="1.0" encoding="utf-8"?>\n', '<!-- x -->'),
        (xml, head) => {
          const { strict, lenient } = bothTrees(head + xml)
          expect(strict).toEqual(lenient)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('from every fixture that is well-formed', () => {
    const page = readFileSync(new URL('../../../../fixtures/events/page.xml', import.meta.url), 'utf8')
    const bodies = badAnswers
      .map(({ body }) => (typeof body === 'string' ? body : ''))
      .filter((body) => body.startsWith('<'))
    const compared = [page, ...bodies].filter((xml) => {
      try {
        strictTree(xml)
      } catch {
        return false
      }
      const { strict, lenient } = bothTrees(xml)
      expect(strict).toEqual(lenient)
      return true
    })
    expect(compared.length).toBeGreaterThan(15)
  })

  it.each(['xml-serializer', 'data-contract', 'attributes'] as const)('from pages in the style %s', (xmlStyle) => {
    const names = { list: 'clients', flag: 'hasMoreResults', token: 'checkpoint' }
    const wall = wallClockOf('Europe/Paris')
    const { xml } = answerForms({ xmlStyle, jsonStyle: 'bare', jsonDates: 'iso', names, wall })
    const modified = { wall: '2026-01-31T13:45:00.120', instant: Date.UTC(2026, 0, 31, 12, 45) }
    const parts = Array.from({ length: 200 }, (_, index) =>
      Buffer.from(xml.client(madeUpClient({ seed: 7, index, id: String(index), version: 1, modified }))),
    )
    for (const hasMoreResults of [true, false, null]) {
      const page = renderPage(xml, { parts, hasMoreResults, checkPoint: hasMoreResults ? 'a&<b>' : null })
      const { strict, lenient } = bothTrees(page.toString('utf8'))
      expect(strict).toEqual(lenient)
    }
  })
})
