import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeXml } from '../../../../../connector/source/polaris/decode/decode-xml.ts'
import { XmlParser } from '../../../../../connector/source/polaris/decode/xml-parser.ts'

// A tag with a space before its end is read by the original function of the parser. Both must read the same.

const names = ['A', '_b', 'C-1.d', 'x:E', 'É', '1F', '-G', 'xmlns'] as const

const { content } = fc.letrec<{ content: string }>((tie) => ({
  content: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('text', '\n', '\r\n', '&lt;', 'é>', ']]', ']]>', '😀', '\t', '\ufffe', '\u0001', ''),
    fc.constantFrom(
      '<![CDATA[<A>]]>',
      '<!-- <A> -->',
      '<A b="1"/>',
      '<A b="1">2</A>',
      '<A/>',
      '<A>1</AB>',
      '<A>\r</A>',
      '<A>1</A\n>',
    ),
    fc
      .tuple(fc.constantFrom(...names), fc.array(tie('content')))
      .map(([name, parts]) => `<${name}>${parts.join('')}</${name}>`),
  ),
}))
const mistake = fc.constantFrom('', '', '<A>', '</A>', '<A\n>', '<A', '<', '&', '\u0001', '<A><A>')
const documents = fc.tuple(content, mistake, fc.nat()).map(([text, added, where]) => {
  const at = where % (text.length + 1)
  return text.slice(0, at) + added + text.slice(at)
})

const outcome = (text: string) => {
  try {
    return decodeXml(text).root
  } catch (error) {
    return String(error).replace(/column.*/, '')
  }
}

test('reads elements without attributes as the original parser does', () => {
  const withSpaces = (text: string) =>
    text.replace(/<!\[CDATA\[.*?\]\]>|<!--.*?-->|<[^\s/>]+>/gs, (part) =>
      part.startsWith('<!') ? part : part.replace('>', ' >'),
    )
  fc.assert(
    fc.property(documents, (text) => {
      expect(outcome(text)).toEqual(outcome(withSpaces(text)))
    }),
    { numRuns: Number(process.env.FUZZ_DOCUMENTS ?? 2000) },
  )
})

test('makes no object for the attributes of a plain element, and one for those of another', () => {
  const found: unknown[] = []
  const parser = new XmlParser()
  parser.on('opentag', ({ attributes }) => found.push(attributes))
  parser.write('<A><B></B><C d="1"></C><B></B></A>').close()
  expect(found).toEqual([{}, {}, { d: '1' }, {}])
  expect(found[1]).toBe(found[3])
  expect(found[1]).not.toBe(found[0])
})

test('counts the columns of elements without attributes', () => {
  const columnsOfErrors = (text: string) => {
    const columns: number[] = []
    const parser = new XmlParser()
    parser.on('error', () => columns.push(parser.column))
    parser.write(text).close()
    return columns
  }
  const columns = columnsOfErrors('<A><B>12</B><B></C>')
  expect(columns.length).toBeGreaterThan(0)
  expect(columns).toEqual(columnsOfErrors('<A ><B >12</B ><B ></C>').map((column) => column - 4))
})

test('is the only version of the parser whose internals it knows', () => {
  expect(createRequire(import.meta.url)('saxes/package.json').version).toBe('6.0.0')
})
