import { describe, expect, test } from 'vitest'
import { canonicalJson, sha256 } from '../../../connector/event/canonical-json.ts'
import { fieldHash, fieldRules, fieldRulesText } from '../../../connector/event/fields/field-rules.ts'
import { clientReader, contentUnder } from '../../../connector/event/read-client.ts'
import { clientKey, contentKey, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'

const client = { No: '1', Points: '3', Modif: '2026-06-15T12:00:00' }
const mapping = { clientId: 'No', modifiedAt: 'Modif' }
const reader = (...ignored: readonly string[]) =>
  clientReader(mapping, { timeZone: 'Europe/Paris', ignored: new Set(ignored), fields: undefined })

describe('the content of a client', () => {
  test('does not depend on ignored fields, which remain in the event', () => {
    const read = reader('points')
    const [older, newer] = [read(client), read({ ...client, Points: '4' })]
    expect(newer.content).toBe(older.content)
    expect(newer.published().contentHash).toBe(older.published().contentHash)
    expect(newer.published().json).toContain('"Points":"4"')
    expect(read({ ...client, No: '2' }).content).not.toBe(older.content)
  })

  test('covers the whole client when no field is ignored', () => {
    expect(reader()(client).content).toBe(contentKey(sha256(canonicalJson(client))))
  })

  test('can be asked for as if other fields were ignored', () => {
    expect(contentUnder(client, { ignored: ['points'] }, undefined)).toBe(reader('points')(client).content)
    expect(contentUnder(client, { ignored: [] }, undefined)).toBe(reader()(client).content)
  })

  test('has hashes that never change: stored indexes are compared with them', () => {
    const { content, key, published } = reader()({ b: 'é', a: ['1', { d: '', c: '2' }], No: '0042' })
    const { contentHash } = published()
    expect(contentHash).toBe('VV3QQVsBvMD8zgS6nYr6Zwg70nf_SC9hRWKflmsTacc')
    expect([content, key]).toEqual([contentKey(contentHash), clientKey('0042')])
  })
})

describe('a client', () => {
  test('is known by its id, or by its content if it has none', () => {
    const read = reader()
    expect(read(client).key).toBe(clientKey('1'))
    const [first, again, other] = [read({ Nom: 'a' }), read({ Nom: 'a' }), read({ Nom: 'b' })]
    expect(again.key).toBe(first.key)
    expect(other.key).not.toBe(first.key)
  })

  test('has a modification time if that field is mapped and a time', () => {
    expect(reader()(client).modified).toMatchObject({ wallClock: '2026-06-15T12:00:00', hasTimeOfDay: true })
    expect(reader()({ ...client, Modif: 'soon' }).modified).toBeUndefined()
    const unmapped = clientReader(
      { clientId: 'No', modifiedAt: null },
      { timeZone: 'UTC', ignored: new Set(), fields: undefined },
    )
    expect(unmapped(client).modified).toBeUndefined()
  })
})

describe('a client of which events contain only a part', () => {
  const key = fieldHash('a key of thirty-two characters..')
  const other = fieldHash('another key, as long as the first')
  const rules = fieldRules('keep', [
    ['Mail', 'hmac'],
    ['Memo', 'drop'],
  ])
  const whole = { No: '1', Mail: 'zoe@exemple.example', Memo: 'planted', Age: '30' }
  const minimising = (hmac = key, ignored: readonly string[] = []) =>
    clientReader(mapping, { timeZone: 'UTC', ignored: new Set(ignored), fields: rules, hmac })

  test('has the rest and the HMAC in its event', () => {
    const data = JSON.parse(minimising()(whole).published().json)
    expect(data).toEqual({ No: '1', Mail: key.of('zoe@exemple.example'), Age: '30' })
  })

  test('has a content without dropped fields and before any HMAC: another key changes nothing', () => {
    const { content } = minimising()(whole)
    expect(minimising(other)(whole).content).toBe(content)
    expect(minimising()({ ...whole, Memo: 'changed' }).content).toBe(content)
    expect(minimising()({ ...whole, Mail: 'changed' }).content).not.toBe(content)
    const { Memo: _, ...counted } = whole
    expect(content).toBe(reader()(counted).content)
  })

  test('has a published hash of what is published, so that guesses of a hashed value cannot be tested with it', () => {
    const { json, contentHash } = minimising()(whole).published()
    expect(contentHash).toBe(sha256(json))
    expect(minimising(other)(whole).published().contentHash).not.toBe(contentHash)
    const ignoring = minimising(key, ['age'])
    expect(ignoring({ ...whole, Age: '31' }).published().contentHash).toBe(ignoring(whole).published().contentHash)
  })

  test('has the content of its event under the same key, and an unknown one under another', () => {
    const fields = rules && fieldRulesText(rules)
    const published = JSON.parse(minimising()(whole).published().json)
    expect(contentUnder(whole, { ignored: [], fields, hmacKeyId: key.keyId }, { hmac: key })).toBe(
      contentUnder(published, { ignored: [] }, undefined),
    )
    expect(contentUnder(whole, { ignored: [], fields, hmacKeyId: key.keyId }, { hmac: other })).toBe(UNKNOWN_CONTENT)
    expect(contentUnder(whole, { ignored: [], fields, hmacKeyId: key.keyId }, undefined)).toBe(UNKNOWN_CONTENT)
  })
})
