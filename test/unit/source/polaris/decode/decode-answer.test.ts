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
