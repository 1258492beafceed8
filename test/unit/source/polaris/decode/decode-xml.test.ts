import { describe, expect, test } from 'vitest'
import type { ClientRecord } from '../../../../../connector/source/client-source.ts'
import { recordMaker } from '../../../../../connector/source/polaris/decode/client-record.ts'
import { decodeXml } from '../../../../../connector/source/polaris/decode/decode-xml.ts'

const document = (xml: string): ClientRecord => recordMaker('Europe/Paris')(decodeXml(xml).root.value)
/** The fields of a client element. */
const client = (fields: string): ClientRecord => document(`<C>${fields}</C>`)
const failure = (code: string) => expect.objectContaining({ code })

describe('decodeXml: values', () => {
  test('keeps white space in values and ignores it between elements', () => {
    expect(client('\n  <A>  x \n y </A>\n  <B> </B>\n')).toEqual({ A: '  x \n y ', B: ' ' })
  })

  test('decodes named entities and numeric references once, and none within CDATA', () => {
    expect(
      client(
        '<A>&lt;&amp;lt;&gt;&quot;&apos;&#233;&#xE9;&#x1F600;</A><B><![CDATA[<&amp;&#233;>]]></B><C>a<![CDATA[&]]>&amp;b</C>',
      ),
    ).toEqual({
      A: '<&lt;>"\'éé😀',
      B: '<&amp;&#233;>',
      C: 'a&&b',
    })
  })

  test('decodes a character written as the references of its two surrogates', () => {
    expect(client('<A>&#xD83D;&#xDE00;</A><B b="&#55357;&#56832;"/><C>a&#xD83D;&#xDE00;b&amp;</C>')).toEqual({
      A: '😀',
      B: { b: '😀' },
      C: 'a😀b&',
    })
  })

  test('replaces and counts references to characters that XML forbids', () => {
    const { root, replacedCharacters } = decodeXml(
      '<C><A>a&#x0;b&#31;</A><B b="&#xFFFE;"/><D>&#xD83D;</D><E>&#xDE00;&#xD83D;😀</E><F>\ufffd&#xFFFD;&#x9;</F><G><![CDATA[&#x0;]]></G></C>',
    )
    expect(recordMaker('Europe/Paris')(root.value)).toEqual({
      A: 'a\ufffdb\ufffd',
      B: { b: '\ufffd' },
      D: '\ufffd',
      E: '\ufffd\ufffd😀',
      F: '\ufffd\ufffd\t',
      G: '&#x0;',
    })
    expect(replacedCharacters).toBe(6)
    expect(decodeXml('<C>&amp;&#x20AC;</C>').replacedCharacters).toBe(0)
  })

  test('reads a document that declares XML 1.1 as XML 1.0', () => {
    expect(document('<?xml version="1.1"?><C><A>\u0085&#x1;</A></C>')).toEqual({ A: '\u0085\ufffd' })
  })

  test('decodes references in attributes, and keeps attributes beside the text of an element', () => {
    expect(client('<A code="a&amp;b">x</A><B n="1"/>')).toEqual({ A: { code: 'a&b', '#text': 'x' }, B: { n: '1' } })
  })

  test('leaves out nil elements with any prefix, and keeps an empty element as an empty text', () => {
    expect(
      client(
        '<A xsi:nil="true"/><B i:nil="1"></B><C p3:nil="true" xmlns:p3="x"/><D/><E></E><F xsi:nil="false">x</F><G nil="true"/>',
      ),
    ).toEqual({ D: '', E: '', F: 'x', G: { nil: 'true' } })
  })

  test('drops namespaces, prefixes and the attributes of XML Schema', () => {
    const xml =
      '<a:C xmlns:a="urn:a" xmlns="urn:b" xmlns:xsi="urn:c"><a:Nom xsi:type="xsd:string">x</a:Nom><V xml:space="preserve" a:w="1">y</V></a:C>'
    expect(decodeXml(xml).root.name).toBe('C')
    expect(document(xml)).toEqual({ Nom: 'x', V: { w: '1', '#text': 'y' } })
  })
})

describe('decodeXml: completeness', () => {
  test.each([
    ['an unknown entity', '<P>&nbsp;</P>'],
    ['a raw control character in an attribute', '<P a="\u001f"/>'],
    ['a raw U+FFFE', '<P>\ufffe</P>'],
    ['the end of a CDATA section in text', '<P>]]></P>'],
    ['a reference beyond the last character', '<P>&#x110000;</P>'],
    ['a repeated attribute', '<P a="1" a="2"></P>'],
    ['a document type within the root', '<P><!DOCTYPE P [<!ENTITY e "boo">]>&e;</P>'],
  ])('rejects %s', (_, xml) => {
    expect(() => document(xml)).toThrow(failure('source.answer-malformed'))
  })

  test('reports the position of an error without content', () => {
    try {
      decodeXml('<P>\n<Nom>DUPONT</Nom>\n<Dupont@x>1</Dupont@x></P>')
      expect.unreachable()
    } catch (error) {
      expect(String(error)).toMatch(/line 3, column \d+/)
      expect(JSON.stringify(error) + String(error)).not.toMatch(/dupont/i)
    }
  })
})
