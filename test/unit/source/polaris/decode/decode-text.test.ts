import { describe, expect, test } from 'vitest'
import { decodeText } from '../../../../../connector/source/polaris/decode/decode-text.ts'

const text = '<?xml version="1.0"?><Nom>Zoé €</Nom>'
const utf16le = (value: string) => Buffer.from(value, 'utf16le')
const utf16be = (value: string) => utf16le(value).swap16()
const failure = (code: string) => expect.objectContaining({ code })

describe('decodeText', () => {
  test.each<[string, Buffer, string | undefined]>([
    ['UTF-8, whatever Content-Type says', Buffer.from(text), 'text/xml; charset=iso-8859-1'],
    [
      'UTF-8 with a byte order mark',
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]),
      'text/xml; charset=iso-8859-1',
    ],
    [
      'UTF-16LE with a byte order mark',
      Buffer.concat([Buffer.from([0xff, 0xfe]), utf16le(text)]),
      'text/xml; charset=utf-8',
    ],
    ['UTF-16BE with a byte order mark', Buffer.concat([Buffer.from([0xfe, 0xff]), utf16be(text)]), undefined],
    ['UTF-16LE without a byte order mark', utf16le(text), 'text/xml; charset=utf-16'],
    ['UTF-16BE without a byte order mark', utf16be(text), 'text/xml; charset=utf-16be'],
    ['UTF-8 with a charset in quotes', Buffer.from(text), 'text/xml; charset="UTF-8"'],
  ])('decodes %s', (_, body, contentType) => {
    expect(decodeText(body, contentType)).toBe(text)
  })

  test('decodes windows-1252 by its XML declaration, whatever Content-Type says', () => {
    const body = Buffer.from('<?xml version="1.0" encoding="windows-1252"?><Nom>Zo\xe9 \x80</Nom>', 'latin1')
    expect(decodeText(body, 'text/xml; charset=utf-8')).toContain('<Nom>Zoé €</Nom>')
  })

  test('decodes ISO-8859-1 by its XML declaration or by Content-Type', () => {
    expect(
      decodeText(Buffer.from("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", 'latin1'), undefined),
    ).toContain('<a>é</a>')
    expect(decodeText(Buffer.from('{"a":"\xe9"}', 'latin1'), 'application/json; charset=ISO-8859-1')).toBe('{"a":"é"}')
  })

  test('decodes a UTF-8 document that declares utf-16', () => {
    const body = Buffer.from('<?xml version="1.0" encoding="utf-16"?><Nom>Zoé</Nom>')
    expect(decodeText(body, undefined)).toContain('<Nom>Zoé</Nom>')
  })

  test.each(['utf-8', 'UTF-8', 'utf8'])(
    'decodes UTF-8 by its XML declaration, %s, whatever Content-Type says',
    (label) => {
      const declared = `<?xml version="1.0" encoding="${label}"?><Nom>Zoé €</Nom>`
      const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(declared)])
      for (const body of [Buffer.from(declared), marked])
        expect(decodeText(body, 'text/xml; charset=iso-8859-1')).toBe(declared)
      const invalid = Buffer.from(declared, 'latin1')
      expect(() => decodeText(invalid, 'text/xml; charset=iso-8859-1')).toThrow(failure('source.answer-malformed'))
    },
  )

  test('rejects bytes that are not valid in their encoding', () => {
    expect(() => decodeText(Buffer.from('<a>Zo\xe9</a>', 'latin1'), undefined)).toThrow(
      failure('source.answer-malformed'),
    )
    expect(() => decodeText(Buffer.from([0xff, 0xfe, 0x3c]), undefined)).toThrow(failure('source.answer-malformed'))
  })
})
