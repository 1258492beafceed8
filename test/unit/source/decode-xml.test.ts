import { describe, expect, it } from 'vitest'
import type { AnswerNode } from '../../../connector/source/answer-node.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'
import { decodeXml } from '../../../connector/source/decode-xml.ts'
import { clientShape } from '../../../connector/source/field-shape.ts'

const reported: string[] = []
const decode = (xml: string, listFields: readonly string[] = []): AnswerNode =>
  decodeXml(xml, { shape: clientShape(listFields, (path) => reported.push(path)), timeZone: 'Europe/Paris' })
/** The fields of a client element. */
const client = (fields: string, listFields?: readonly string[]): ClientRecord =>
  decode(`<C>${fields}</C>`, listFields).client()
const failure = (code: string) => expect.objectContaining({ code })

describe('decodeXml: values', () => {
  it('keeps every text as it is', () => {
    expect(
      client('<Cp>01234</Cp><Tel>+33 6</Tel><Id>9223372036854775807</Id><E>1E5</E><B>true</B><N>0x1F</N>'),
    ).toEqual({
      Cp: '01234',
      Tel: '+33 6',
      Id: '9223372036854775807',
      E: '1E5',
      B: 'true',
      N: '0x1F',
    })
  })

  it('preserves white space in values and ignores it between elements', () => {
    expect(client('\n  <A>  x \n y </A>\n  <B> </B>\n')).toEqual({ A: '  x \n y ', B: ' ' })
  })

  it('decodes the named entities and numeric references once, and nothing within CDATA', () => {
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

  it('decodes references in attributes and mixes them with the text of an element', () => {
    expect(client('<A code="a&amp;b">x</A><B n="1"/>')).toEqual({ A: { code: 'a&b', '#text': 'x' }, B: { n: '1' } })
  })

  it('leaves out what is nil under any prefix, and keeps an empty element as an empty text', () => {
    expect(
      client(
        '<A xsi:nil="true"/><B i:nil="1"></B><C p3:nil="true" xmlns:p3="x"/><D/><E></E><F xsi:nil="false">x</F><G nil="true"/>',
      ),
    ).toEqual({ D: '', E: '', F: 'x', G: { nil: 'true' } })
  })

  it('leaves out the minimum date', () => {
    expect(client('<A>0001-01-01T00:00:00</A><B>2024-01-31T13:45:00</B>')).toEqual({ B: '2024-01-31T13:45:00' })
  })

  it('drops namespaces, prefixes and the attributes of XML Schema', () => {
    const xml =
      '<a:C xmlns:a="urn:a" xmlns="urn:b" xmlns:xsi="urn:c"><a:Nom xsi:type="xsd:string">x</a:Nom><V xml:space="preserve" a:w="1">y</V></a:C>'
    expect(decode(xml).name).toBe('C')
    expect(decode(xml).client()).toEqual({ Nom: 'x', V: { w: '1', '#text': 'y' } })
  })

  it('takes fields with the names of object members like any other', () => {
    const record = client(
      '<__proto__><x>1</x></__proto__><constructor>2</constructor><prototype a="1"/><toString>3</toString><hasOwnProperty>4</hasOwnProperty>',
    )
    expect(Object.keys(record)).toEqual(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])
    expect(Object.getOwnPropertyDescriptor(record, '__proto__')?.value).toEqual({ x: '1' })
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
    expect(Object.entries(record).at(1)).toEqual(['constructor', '2'])
  })

  it('ignores comments, processing instructions and the declaration', () => {
    expect(
      decode('<?xml version="1.0"?><!-- a --><?x y?><C><!-- b --><A>1<!-- c -->2</A><?z?></C><!-- d -->').client(),
    ).toEqual({ A: '12' })
  })
})

describe('decodeXml: lists', () => {
  it('takes children that repeat one name for a list, and a single child for an object', () => {
    expect(client('<Tel>1</Tel><Nom>x</Nom><Tel>2</Tel>')).toEqual({ Tel: ['1', '2'], Nom: 'x' })
    expect(client('<Cartes><Carte><No>1</No></Carte><Carte><No>2</No></Carte></Cartes>')).toEqual({
      Cartes: [{ No: '1' }, { No: '2' }],
    })
    expect(client('<Cartes><Carte><No>1</No></Carte></Cartes>')).toEqual({ Cartes: { Carte: { No: '1' } } })
    expect(client('<Adresse><Ville>x</Ville><Tel>1</Tel><Tel>2</Tel></Adresse>')).toEqual({
      Adresse: { Ville: 'x', Tel: ['1', '2'] },
    })
  })

  it('makes a configured path a list always, its wrapper and item name dissolved', () => {
    const cartes = (inner: string) => client(inner, ['cartes'])
    expect(cartes('<Cartes><Carte><No>1</No><T>a</T></Carte></Cartes>')).toEqual({ Cartes: [{ No: '1', T: 'a' }] })
    expect(cartes('<Cartes><Carte>1</Carte><Carte>2</Carte></Cartes>')).toEqual({ Cartes: ['1', '2'] })
    expect(cartes('<Cartes/>')).toEqual({ Cartes: [] })
    expect(cartes('<Cartes xsi:nil="true"/>')).toEqual({})
    expect(cartes('<Cartes>\n</Cartes>')).toEqual({ Cartes: [] })
    expect(cartes('')).toEqual({})
  })

  it('makes a configured path without a wrapper a list too', () => {
    expect(client('<Tel>1</Tel>', ['Tel'])).toEqual({ Tel: ['1'] })
    expect(client('<Tel>1</Tel><Nom/><Tel>2</Tel>', ['Tel'])).toEqual({ Tel: ['1', '2'], Nom: '' })
    expect(client('<Carte><No>1</No><T>a</T></Carte>', ['Carte'])).toEqual({ Carte: [{ No: '1', T: 'a' }] })
    expect(client('<A><T>1</T></A>', ['a.t'])).toEqual({ A: { T: ['1'] } })
  })

  it('finds configured lists within the items of others', () => {
    expect(client('<L><I><T><x>1</x></T><N>a</N></I></L>', ['L', 'L.T'])).toEqual({ L: [{ T: ['1'], N: 'a' }] })
  })

  it('reports a path that comes in both shapes once, and no configured one', () => {
    reported.length = 0
    const shape = clientShape(['Tel'], (path) => reported.push(path))
    for (const cartes of [
      '<Carte><No>1</No></Carte>',
      '<Carte/><Carte/>',
      '',
      '<Carte>1</Carte>',
      '<Carte/><Carte/>',
    ]) {
      decodeXml(`<C><Cartes>${cartes}</Cartes><Tel>1</Tel></C>`, { shape, timeZone: 'UTC' }).client()
    }
    decodeXml('<C><Tel>1</Tel><Tel>2</Tel></C>', { shape, timeZone: 'UTC' }).client()
    expect(reported).toEqual(['Cartes'])
  })
})

describe('decodeXml: wholeness', () => {
  const whole =
    '<?xml version="1.0"?>\n<P><hasMoreResults>false</hasMoreResults><L><C a="1"><N>é &amp; <![CDATA[x]]></N></C></L></P>'

  it('takes every cut of a document for truncated or malformed, never for a document (invariant 9)', () => {
    for (let length = 1; length < whole.length; length++) {
      expect(() => decode(whole.slice(0, length)), whole.slice(0, length)).toThrow(failure('source.answer-truncated'))
    }
  })

  it.each([
    ['mismatched tags', '<P><A>1</B></P>'],
    ['text after the root', '<P/>x'],
    ['two roots', '<P/><Q/>'],
    ['two full roots', '<P></P><Q></Q>'],
    ['a bare ampersand', '<P>a & b</P>'],
    ['a bare ampersand in an attribute', '<P><C a="b & c"/></P>'],
    ['an entity that XML does not know', '<P>&nbsp;</P>'],
    ['a reference to half a character', '<P>&#xD800;</P>'],
    ['a reference beyond all characters', '<P>&#x110000;</P>'],
    ['an attribute twice', '<P a="1" a="2"></P>'],
    ['an attribute without quotes', '<P a=1></P>'],
    ['a document type', '<!DOCTYPE P [<!ENTITY e "boo">]><P>&e;</P>'],
    ['a document type further in', '<P><!DOCTYPE P [<!ENTITY e "boo">]>&e;</P>'],
    ['a document type in lower case', '<!doctype p><P></P>'],
    ['some other declaration', '<P>x<!ELEMENT a>y</P>'],
    ['nesting without end', `${'<a>'.repeat(200)}${'</a>'.repeat(200)}`],
  ])('refuses %s', (_, xml) => {
    expect(() => decode(xml).client()).toThrow(failure('source.answer-malformed'))
  })

  it('takes a document type within CDATA or a comment for text', () => {
    expect(decode('<C><!-- <!DOCTYPE x> --><A><![CDATA[<!DOCTYPE y>]]></A></C>').client()).toEqual({
      A: '<!DOCTYPE y>',
    })
  })

  it('says where the fault is without a word of the content', () => {
    try {
      decode('<P>\n<Nom>DUPONT</Nom>\n<Dupont@x>1</Dupont@x></P>')
      expect.unreachable()
    } catch (error) {
      expect(String(error)).toMatch(/line 3, column \d+/)
      expect(JSON.stringify(error) + String(error)).not.toMatch(/dupont/i)
    }
  })
})
