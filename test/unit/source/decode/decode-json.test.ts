import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeJson } from '../../../../connector/source/decode/decode-json.ts'
import { clientShape } from '../../../../connector/source/decode/field-shape.ts'

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
  it('keeps the original text of every number, at any position', () => {
    fc.assert(
      fc.property(numberText, fc.constantFrom('', ' ', '\n\t'), fc.string(), (number, space, text) => {
        const json = `{"a":${space}${number}${space},"s":${JSON.stringify(text)},"l":[${number},${space}${number}],"o":{"n":${number}}}`
        expect(client(json)).toEqual({ a: number, s: text, l: [number, number], o: { n: number } })
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps the original text of numbers among strings that look like numbers', () => {
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

  it('leaves out null and the minimum date, and converts booleans and dates to text', () => {
    const json =
      '{"a":null,"b":"0001-01-01T00:00:00","c":true,"d":false,"e":"\\/Date(1706705100000+0100)\\/","f":"","g":[null,1],"h":{"i":null}}'
    expect(client(json)).toEqual({ c: 'true', d: 'false', e: '2024-01-31T13:45:00', f: '', g: ['1'], h: {} })
  })

  it('leaves out the metadata of serializers', () => {
    expect(client('{"__type":"InfoClient:#x","$id":"7","$type":"x","_type":"a","$":"b"}')).toEqual({
      _type: 'a',
      $: 'b',
    })
  })

  it('always makes a configured path a list', () => {
    const lists = (value: string) => client(`{"Cartes":${value}}`, ['Cartes', 'Cartes.Tels'])
    expect(lists('[]')).toEqual({ Cartes: [] })
    expect(lists('null')).toEqual({})
    expect(lists('""')).toEqual({ Cartes: [] })
    expect(lists('"1"')).toEqual({ Cartes: ['1'] })
    expect(lists('{"No":1,"T":2}')).toEqual({ Cartes: [{ No: '1', T: '2' }] })
    expect(lists('{"Carte":[{"No":1},{"No":2}]}')).toEqual({ Cartes: [{ No: '1' }, { No: '2' }] })
    expect(lists('[{"No":1,"Tels":"06"}]')).toEqual({ Cartes: [{ No: '1', Tels: ['06'] }] })
  })

  it('accepts fields with the names of built-in properties', () => {
    const record = client('{"__proto__":{"x":1},"constructor":"2","toString":3}')
    expect(Object.keys(record)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
  })

  it('reports a document truncated at any position as truncated (invariant 9)', () => {
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
  ])('rejects %s', (json) => {
    expect(() => decode(json)).toThrow(failure('source.answer-malformed'))
  })

  it('rejects excessive nesting', () => {
    expect(() => client(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`)).toThrow(failure('source.answer-malformed'))
  })

  it('does not include content in its errors', () => {
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
