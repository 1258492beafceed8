import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../../../connector/event/canonical-json.ts'
import { listShaper } from '../../../../../connector/event/list-shapes.ts'
import type { ClientRecord, ClientValue } from '../../../../../connector/source/client-source.ts'
import { normaliseText } from '../../../../../connector/source/polaris/decode/client-record.ts'
import { decodeAnswer } from '../../../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../../../connector/source/polaris/decode/page/decode-page.ts'
import { wallClock } from '../../../../../connector/source/source-time.ts'

describe('normaliseText', () => {
  test.each([
    '0001-01-01T00:00:00',
    '0001-01-01T00:00:00+01:00',
    '0001-01-01',
    '01/01/0001 00:00:00',
    '/Date(-62135596800000)/',
    '/Date(-62135596800000+0100)/',
  ])('returns undefined for the minimum date %s', (text) => {
    expect(normaliseText(text, 'Europe/Paris')).toBeUndefined()
  })

  test.each([
    ['/Date(1706705100000+0100)/', '2024-01-31T13:45:00'],
    ['/Date(1706705100120-0500)/', '2024-01-31T13:45:00.12'],
    ['/Date(-1)/', '1970-01-01T00:59:59.999'],
    ['/Date(1722426300000+0200)/', '2024-07-31T13:45:00'],
  ])('converts %s to wall-clock text of the server, %s', (text, expected) => {
    expect(normaliseText(text, 'Europe/Paris')).toBe(expected)
  })

  test.each([
    '',
    '01234',
    '0001-01-02T00:00:00',
    '/',
    '/Date(x)/',
    '/Date(99999999999999999)/',
    '/Date(999999999999999)/',
    ' 1 ',
  ])('keeps "%s" unchanged', (text) => {
    expect(normaliseText(text, 'Europe/Paris')).toBe(text)
  })
})

/** A value as a server stores it, independent of the output format. */
type Value =
  | { readonly kind: 'text' | 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly is: boolean }
  | { readonly kind: 'date'; readonly ms: number }
  | { readonly kind: 'nothing'; readonly how: 'null' | 'minimum' | 'left out' }
  | { readonly kind: 'record'; readonly fields: readonly (readonly [string, Value])[] }
  | { readonly kind: 'list'; readonly items: readonly Value[] }

const name = fc.oneof(
  fc.stringMatching(/^[A-Z][a-z]{0,6}$/),
  fc.constantFrom('constructor', '__proto__', 'toString', 'Prénom', 'a-b', '_x.y'),
)
/** Text that XML can carry: no control characters, and no carriage returns, which XML converts to line feeds. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }).filter((value) => /^[^\p{Cc}\p{Cs}￾￿]*$/u.test(value)),
  fc.constantFrom('', ' ', '01234', ' x\n y ', '<a>&amp;</a>', ']]>', '"', "'", '12.50', 'true', '0001-01-02'),
)
const date = fc.integer({ min: Date.UTC(1900, 0, 1) / 1000, max: Date.UTC(2100, 0, 1) / 1000 })
const fieldsOf = <Field>(value: fc.Arbitrary<Field>, minLength = 0) =>
  fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, minLength, maxLength: 8 })
const leaf: fc.Arbitrary<Value> = fc.oneof(
  text.map((value): Value => ({ kind: 'text', text: value })),
  fc.stringMatching(/^-?(?:0|[1-9]\d{0,20})(?:\.\d{1,4})?$/).map((value): Value => ({ kind: 'number', text: value })),
  fc.boolean().map((is): Value => ({ kind: 'boolean', is })),
  date.map((seconds): Value => ({ kind: 'date', ms: seconds * 1000 })),
)
const nothing = fc.constantFrom('null', 'minimum', 'left out').map((how): Value => ({ kind: 'nothing', how }) as Value)
// XML cannot distinguish an empty record from an empty text.
const record = fieldsOf(fc.oneof(leaf, nothing), 1)
  .filter((fields) => fields.some(([, value]) => value.kind !== 'nothing'))
  .map((fields): Value => ({ kind: 'record', fields }))
const list = fc
  .array(fc.oneof(leaf, record), { minLength: 2, maxLength: 4 })
  .map((items): Value => ({ kind: 'list', items }))
const client = fieldsOf(fc.oneof(leaf, nothing, record, list), 1)
const isBlank = (value: Value) => value.kind === 'text' && value.text.trim() === ''
/** Configured lists can have any length. XML cannot distinguish one empty item from none. */
const configured = fc
  .array(fc.oneof(leaf, record), { maxLength: 3 })
  .filter((items) => items.length !== 1 || !items.some(isBlank))
  .map((items): Value => ({ kind: 'list', items }))

const zone = 'Europe/Paris'
const escaped = (value: string) => value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

function xmlOf(tag: string, value: Value): string {
  const element = (inner: string) => `<${tag}>${inner}</${tag}>`
  switch (value.kind) {
    case 'text':
    case 'number':
      return element(escaped(value.text))
    case 'boolean':
      return element(String(value.is))
    case 'date':
      return element(wallClock(value.ms, zone))
    case 'nothing':
      if (value.how === 'left out') return ''
      return value.how === 'null' ? `<${tag} xsi:nil="true" />` : element('0001-01-01T00:00:00')
    case 'record':
      return element(value.fields.map(([key, field]) => xmlOf(key, field)).join('\n'))
    case 'list':
      return value.items.length === 0 ? element('') : value.items.map((item) => xmlOf(tag, item)).join('')
  }
}

function jsonOf(value: Value): string {
  switch (value.kind) {
    case 'text':
      return JSON.stringify(value.text)
    case 'number':
      return value.text
    case 'boolean':
      return String(value.is)
    case 'date':
      return `"\\/Date(${value.ms}+0200)\\/"`
    case 'nothing':
      return value.how === 'minimum' ? '"\\/Date(-62135596800000)\\/"' : 'null'
    case 'record':
      return `{${value.fields.map(([key, field]) => `${JSON.stringify(key)}: ${jsonOf(field)}`).join(',')}}`
    case 'list':
      return `[${value.items.map(jsonOf).join(', ')}]`
  }
}

/** The expected value in the event. */
function expected(value: Value): ClientValue | undefined {
  switch (value.kind) {
    case 'text':
    case 'number':
      return value.text
    case 'boolean':
      return String(value.is)
    case 'date':
      return wallClock(value.ms, zone)
    case 'nothing':
      return undefined
    case 'list':
      return value.items.map((item) => expected(item) ?? '')
    case 'record':
      return Object.fromEntries(
        value.fields.map(([key, field]) => [key, expected(field)] as const).filter(([, field]) => field !== undefined),
      ) as ClientRecord
  }
}

test('decodes the same client to the same record from XML and from JSON', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(client, configured), { maxLength: 4 }), (clients) => {
      const values = clients.map(
        ([fields, tels]): Value => ({
          kind: 'record',
          fields: [...fields, ['Telephones', tels], ['Identifiant', { kind: 'text', text: 'é' }]],
        }),
      )
      const xml = `<?xml version="1.0"?><p:Page xmlns:p="urn:x"><Clients>${values.map((value) => xmlOf('InfoClient', value)).join('')}</Clients><HasMoreResults>False</HasMoreResults></p:Page>`
      const json = `{"d":{"Clients":[${values.map(jsonOf).join(',')}],"HasMoreResults":false}}`
      const fromXml = decodePage(decodeAnswer(xml), { timeZone: zone })
      const fromJson = decodePage(decodeAnswer(json), { timeZone: zone })
      const inShape = (client: ClientRecord) => canonicalJson(listShaper(['Telephones'])(client))
      expect(fromXml.clients.map(inShape)).toEqual(values.map((value) => canonicalJson(expected(value) ?? '')))
      expect(fromJson.clients.map(inShape)).toEqual(fromXml.clients.map(inShape))
    }),
    { numRuns: 150 },
  )
})
