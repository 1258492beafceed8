import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { recordMaker } from '../../../../../connector/source/polaris/decode/client-record.ts'
import { decodeJson } from '../../../../../connector/source/polaris/decode/decode-answer.ts'

const client = (json: string) => recordMaker('Europe/Paris')(decodeJson(json).root.value)
const failure = (code: string) => expect.objectContaining({ code })

describe('decodeJson', () => {
  test('leaves out null and the minimum date, and converts booleans and dates to text', () => {
    const json =
      '{"a":null,"b":"0001-01-01T00:00:00","c":true,"d":false,"e":"\\/Date(1706705100000+0100)\\/","f":"","g":[null,1],"h":{"i":null}}'
    expect(client(json)).toEqual({ c: 'true', d: 'false', e: '2024-01-31T13:45:00', f: '', g: ['1'], h: {} })
  })

  test('leaves out the metadata of serializers', () => {
    expect(client('{"__type":"InfoClient:#x","$id":"7","$type":"x","_type":"a","$":"b"}')).toEqual({
      _type: 'a',
      $: 'b',
    })
  })

  test('keeps the text of every number', () => {
    const numbers = ['', '-'].flatMap((sign) =>
      ['0', '7', '20', '123456789', '1234567890', '9007199254740993'].flatMap((digits) =>
        ['', '.0', '.5', '.50', '.000001', '.0000001', '.1234567'].flatMap((fraction) =>
          ['', 'e5', 'E+2', 'e-7'].map((exponent) => sign + digits + fraction + exponent),
        ),
      ),
    )
    for (const one of numbers)
      expect(client(`{"a":${one},"b":[${one},${one}],"c":{"d":${one}\n}, "e" : ${one} }`)).toEqual({
        a: one,
        b: [one, one],
        c: { d: one },
        e: one,
      })
  })

  test('makes the same record of each client, whatever the clients before it were', () => {
    type Tree = string | null | Tree[] | { [name: string]: Tree }
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('1', '2', null),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'B', 'c', '0', '__proto__'), tie('tree')),
      ),
    }))
    const anyClient = fc.dictionary(fc.constantFrom('a', 'B', 'c'), tree)
    const present = (value: Tree): unknown => {
      if (typeof value !== 'object' || value === null) return value
      if (Array.isArray(value)) return value.filter((item) => item !== null).map(present)
      const fields = Object.entries(value).filter(([, field]) => field !== null)
      return Object.fromEntries(
        fields.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([name, field]) => [name, present(field)]),
      )
    }
    fc.assert(
      fc.property(fc.array(anyClient), (clients) => {
        const toRecord = recordMaker('Europe/Paris')
        const records = clients.map((one) => toRecord(decodeJson(JSON.stringify(one)).root.value))
        expect(JSON.stringify(records)).toBe(JSON.stringify(clients.map(present)))
      }),
    )
  })

  test.each([
    '{"a":NaN}',
    '{"a":"\n"}',
    '{"a":1.50.1}',
    '{1.50:1}',
    '{"Memo":"5" plat"}',
    '{"a":"\\x"',
    '{"a":"\\u12x',
  ])('rejects %s', (json) => {
    expect(() => decodeJson(json)).toThrow(failure('source.answer-malformed'))
  })

  test.each(['[', '{"a":'])('rejects excessive nesting of %s', (open) => {
    const close = open === '[' ? ']' : '}'
    for (const depth of [65, 1_000_000])
      expect(() => decodeJson(`${open.repeat(depth)}1${close.repeat(depth)}`)).toThrow(
        failure('source.answer-malformed'),
      )
    expect(decodeJson(`${open.repeat(64)}1${close.repeat(64)}`).root.children).toHaveLength(1)
  })

  test('replaces escaped characters that XML forbids, as references to them in XML, and counts them', () => {
    const json = '{"a":"1\\u0000\\u001F2\\ud800","b":"\\b\\f\\uFFFe\\udc00\\ud83d\\ude00\\t\\n\\r\\u0009\\"","n":1.50}'
    const { root, replacedCharacters } = decodeJson(json)
    expect(recordMaker('Europe/Paris')(root.value)).toEqual({
      a: '1\ufffd\ufffd2\ufffd',
      b: '\ufffd\ufffd\ufffd\ufffd😀\t\n\r\t"',
      n: '1.50',
    })
    expect(replacedCharacters).toBe(7)
    expect(client('{"a":"\\\\u0000\\\\b"}')).toEqual({ a: '\\u0000\\b' })
  })

  test('does not include content in its errors', () => {
    try {
      decodeJson('{"Nom":"DUPONT",}')
      expect.unreachable()
    } catch (error) {
      expect(error).not.toHaveProperty('cause')
      expect(String(error)).toMatch(/17 characters/)
      expect(String(error)).not.toMatch(/dupont/i)
    }
  })
})
