import { expect, test } from 'vitest'
import { canonicalJson } from '../../../connector/event/canonical-json.ts'
import { clientEvent } from '../../../connector/event/cloud-event/event-form.ts'
import type { StoredEvent } from '../../../connector/event/cloud-event/stored-event.ts'
import { publishedClientReader } from '../../../connector/event/published-client.ts'
import { clientReader } from '../../../connector/event/read-client.ts'
import { rulesText } from '../../../connector/index/client-index.ts'
import { clientKey, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'

import { eventForm, readEvent } from '../../support/records.ts'

const source = '/polaris/shop/clients'
const present = { ignored: [], limits: 'x' }
const client = {
  No: '7',
  z: 'last',
  Adresse: { Ville: 'Paris', Age: '30' },
  Cartes: ['b', 'a'],
  '10': 'ten',
}

function read(ignored: readonly string[] = []) {
  return clientReader(
    { clientId: 'No', modifiedAt: null },
    { timeZone: 'UTC', ignored: new Set(ignored), fields: undefined },
  )(client as never)
}

function event(more: Record<string, unknown> = {}): StoredEvent {
  const { contentHash } = read().published()
  const parts = {
    clientId: '7',
    json: canonicalJson(client as never),
    contentHash,
    previous: 'g0',
  }
  const { record } = clientEvent({ ...parts, timeMs: 0, sequence: 12 }, eventForm())
  return readEvent(JSON.stringify({ ...JSON.parse(record.value), ...more }), '7')
}

/** The same in binary mode. */
function binary(json: string, more: Readonly<Record<string, string>> = {}): StoredEvent {
  const parts = { clientId: '7', json, contentHash: 'h', previous: 'g0', timeMs: 0, sequence: 12 }
  return clientEvent(parts, eventForm({ mode: 'binary', extensions: more })).record
}

test.each([[[]], [['adresse.age', 'z']]])('finds the content that was published, when %j are ignored', (ignored) => {
  const { key, content } = read(ignored)
  const rules = rulesText({ ignored, limits: 'x' })
  expect(publishedClientReader(source, { ignored, limits: 'x' })(event())).toEqual({
    id: '7',
    key,
    content,
    rules,
    number: 12,
  })
})

test('finds the content of values that were published with a type, by their text', () => {
  const contentOf = (record: StoredEvent) => publishedClientReader(source, present)(record)?.content
  const data = { ...client, No: 7, Adresse: { Ville: 'Paris', Age: 30 } }
  expect(contentOf(event({ data }))).toBe(read().content)
  expect(contentOf(binary(JSON.stringify(data)))).toBe(read().content)
  const text = String(event({ data: { Solde: 'literal', Id: 'large' } }).value)
  const typed = text.replace('"literal"', '1.50').replace('"large"', '9007199254740993')
  const asText = text.replace('literal', '1.50').replace('large', '9007199254740993')
  expect(contentOf(readEvent(typed))).toBe(contentOf(readEvent(asText)))
  expect(contentOf(binary('{"Solde":1.50,"Id":9007199254740993}'))).toBe(contentOf(readEvent(asText)))
})

test.each([
  ['another type', { type: 'client.deleted' }],
  ['another schema', { dataschema: 'urn:other' }],
  ['data that is no client', { data: 'text' }],
  ['null among its data', { data: { No: null } }],
])('does not know the content of an event with %s', (_, more) => {
  const found = publishedClientReader(source, present)(event(more))
  expect(found).toMatchObject({ key: clientKey('7'), content: UNKNOWN_CONTENT, number: 12 })
})

test.each([
  ['an event of another source', event({ source: '/polaris/shop/other' })],
  ['an event without a client id', event({ subject: undefined })],
  ['an event without a number', event({ sequence: 'x' })],
  ['an empty value', readEvent('')],
  ['a list', readEvent('[]')],
])('ignores %s', (_, record) => {
  expect(publishedClientReader(source, present)(record)).toBeUndefined()
})

test('finds the same in an event in binary mode', () => {
  const find = publishedClientReader(source, { ...present, fields: 'nom=drop' })
  const json = canonicalJson(client as never)
  expect(find(binary(json))).toEqual(find(event()))
  const extensions = { fieldrules: 'nom=hmac', hmackeyid: 'k1' }
  expect(find(binary(json, extensions))).toEqual(find(event(extensions)))
  expect(find(binary('[]'))).toMatchObject({ content: UNKNOWN_CONTENT, number: 12 })
  expect(find({ ...binary(json), value: '{' })).toMatchObject({ content: UNKNOWN_CONTENT, number: 12 })
  expect(find({ ...binary(json), value: null })).toBeUndefined()
})

test('takes the rules of an entry from the event, which may be older than the present ones', () => {
  const now = { ...present, fields: 'nom=drop' }
  const rulesIn = (more: Record<string, unknown>) => publishedClientReader(source, now)(event(more))?.rules
  expect(rulesIn({})).toBe(rulesText(present))
  expect(rulesIn({ fieldrules: 'nom=drop' })).toBe(rulesText(now))
  expect(rulesIn({ fieldrules: 'nom=hmac', hmackeyid: 'k1' })).toBe(
    rulesText({ ...present, fields: 'nom=hmac', hmacKeyId: 'k1' }),
  )
})
