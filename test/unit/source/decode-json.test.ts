import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeJson } from '../../../connector/source/decode-json.ts'
import { clientShape } from '../../../connector/source/field-shape.ts'

const decode = (json: string, listFields: readonly string[] = []) =>
  decodeJson(json, { shape: clientShape(listFields, () => undefined), timeZone: 'Europe/Paris' })
const client = (json: string, listFields?: readonly string[]) => decode(json, listFields).client()
const failure = (code: string) => expect.objectContaining({ code })

const digits = fc.stringMatching(/^(?:0|[1-9]\d{0,24})$/)
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits,
    fc.option(fc.stringMatching(/^\d{1,20}$/), { nil: undefined }),
    fc.option(fc.stringMatching(/^[eE][+-]?\d{1,3}$/), { nil: undefined }),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${exponent ?? ''}`,
  )

describe('decodeJson', () => {
  it('keeps the text of every number, wherever it stands', () => {
    fc.assert(
      fc.property(numberText, fc.constantFrom('', ' ', '\n\t'), fc.string(), (number, space, text) => {
        const json = `{"a":${space}${number}${space},"s":${JSON.stringify(text)},"l":[${number},${space}${number}],"o":{"n":${number}}}`
        expect(client(json)).toEqual({ a: number, s: text, l: [number, number], o: { n: number } })
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps the text of small numbers among strings that look like numbers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom('", 12.50,', ':1e5', '\\', '\\"', '[-0'), fc.string())),
        fc.integer(),
        (texts, number) => {
          const json = JSON.stringify({ texts, number, float: 1.25 }).replace('1.25', '1.250')
          expect(client(json)).toEqual({ texts, number: String(number), float: '1.250' })
        },
      ),
    )
  })

  it('takes null and the minimum date for nothing, booleans and dates for texts', () => {
    const json =
      '{"a":null,"b":"0001-01-01T00:00:00","c":true,"d":false,"e":"\\/Date(1706705100000+0100)\\/","f":"","g":[null,1],"h":{"i":null}}'
    expect(client(json)).toEqual({ c: 'true', d: 'false', e: '2024-01-31T13:45:00', f: '', g: ['1'], h: {} })
  })

  it('leaves out what serializers say about themselves', () => {
    expect(client('{"__type":"InfoClient:#x","$id":"7","$type":"x","_type":"a","$":"b"}')).toEqual({
      _type: 'a',
      $: 'b',
    })
  })

  it('makes a configured path a list always', () => {
    const lists = (value: string) => client(`{"Cartes":${value}}`, ['Cartes', 'Cartes.Tels'])
    expect(lists('[]')).toEqual({ Cartes: [] })
    expect(lists('null')).toEqual({})
    expect(lists('""')).toEqual({ Cartes: [] })
    expect(lists('"1"')).toEqual({ Cartes: ['1'] })
    expect(lists('{"No":1,"T":2}')).toEqual({ Cartes: [{ No: '1', T: '2' }] })
    expect(lists('{"Carte":[{"No":1},{"No":2}]}')).toEqual({ Cartes: [{ No: '1' }, { No: '2' }] })
    expect(lists('[{"No":1,"Tels":"06"}]')).toEqual({ Cartes: [{ No: '1', Tels: ['06'] }] })
  })

  it('takes fields with the names of object members like any other', () => {
    const record = client('{"__proto__":{"x":1},"constructor":"2","toString":3}')
    expect(Object.keys(record)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
  })

  it('takes every cut of a document for truncated, never for a document (invariant 9)', () => {
    const whole = '{"hasMoreResults":false,"Clients":[{"Nom":"a \\" } b","No":12.50}]}'
    for (let length = 1; length < whole.length; length++) {
      expect(() => decode(whole.slice(0, length)), whole.slice(0, length)).toThrow(failure('source.answer-truncated'))
    }
  })

  it.each([
    '{"a":01}',
    '{"a":1,}',
    "{'a':1}",
    '{"a":NaN}',
    '{"a":1}}',
    '{"a":1}{"b":2}',
    '{"a":.5}',
    '{"a":-}',
    '{"a":"\n"}',
  ])('refuses %s', (json) => {
    expect(() => decode(json)).toThrow(failure('source.answer-malformed'))
  })

  it('refuses nesting without end', () => {
    expect(() => client(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`)).toThrow(failure('source.answer-malformed'))
  })

  it('says nothing of the content in its errors', () => {
    try {
      decode('{"Nom":"DUPONT",}')
      expect.unreachable()
    } catch (error) {
      expect(error).not.toHaveProperty('cause')
      expect(String(error)).toMatch(/17 characters/)
      expect(String(error)).not.toMatch(/dupont/i)
    }
  })
})
