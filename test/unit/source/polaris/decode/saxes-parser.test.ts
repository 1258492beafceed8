import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { expect, it } from 'vitest'
import { PageParser, type Saxes } from '../../../../../connector/source/polaris/decode/saxes-parser.ts'

const options = { position: false, forceXMLVersion: true, defaultXMLVersion: '1.0' } as const
const whole = () => new SaxesParser(options) as unknown as Saxes
const byNames = () => new PageParser({ ...options, known: new Map(), decodeReference: () => '&' })

/** What a parser reports of a document that comes in these parts, up to its first error. */
function reports(parser: Saxes, parts: readonly string[]): unknown[] {
  const found: unknown[] = []
  let isStopped = false
  parser.on('opentag', ({ name, isSelfClosing }) => found.push(['open', name, isSelfClosing]))
  parser.on('attribute', ({ name, value }) => found.push(['attribute', name, value]))
  parser.on('text', (text) => found.push(['text', text]))
  parser.on('closetag', ({ name }) => found.push(['close', name]))
  parser.on('error', ({ message }) => {
    found.push(['error', message, parser.line, parser.column])
    isStopped = true
    throw new Error('stop')
  })
  try {
    for (const part of parts) parser.write(part)
    parser.close()
  } catch (error) {
    if (!isStopped) throw error
  }
  return found
}

const names = fc.constantFrom('a', 'ab', 'é', 'n:b')
const begins = [names.map((name) => `<${name}>`), names.map((name) => `<${name} x="1" y=">">`)]
const ends = [names.map((name) => `</${name}>`), names.map((name) => `</${name}\n >`)]
const others = fc.constantFrom('<a/>', '<ab >', '<ab\n>', 'text', '\n', '<', '>', '</', '</>', '<a b>', '<1>')
const texts = fc.constantFrom(
  'é',
  '€',
  '😀',
  ']',
  ']]',
  ']]>',
  '&amp;',
  '\r\n',
  '\t',
  '\u0001',
  '\u0085',
  '\ud800',
  '\ufffe',
)
const piece = fc.oneof(...begins, ...ends, others, texts, fc.constantFrom('<a>x</a>', '<ab>\n<a>y</a></ab>'))

it('reports the same as saxes of any document in any parts', () => {
  const document = fc.array(piece, { maxLength: 20 }).map((pieces) => `<r>${pieces.join('')}</r>`)
  fc.assert(
    fc.property(document, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (text, lengths) => {
      const parts: string[] = []
      for (let at = 0, count = 0; at < text.length; count += 1) {
        const length = lengths[count % lengths.length] ?? 1
        parts.push(text.slice(at, at + length))
        at += length
      }
      for (const some of [parts, [text]]) expect(reports(byNames(), some)).toEqual(reports(whole(), some))
    }),
    { numRuns: 500 },
  )
})
