import { describe, expect, test } from 'vitest'
import { canonicalJson, sha256 } from '../../../connector/event/canonical-json.ts'
import { clientReader, contentIgnoring } from '../../../connector/event/read-client.ts'
import { clientKey, contentKey } from '../../../connector/index/index-entry.ts'

const client = { No: '1', Points: '3', Modif: '2026-06-15T12:00:00' }
const mapping = { clientId: 'No', modifiedAt: 'Modif' }
const reader = (...ignored: readonly string[]) =>
  clientReader(mapping, { timeZone: 'Europe/Paris', ignored: new Set(ignored) })

describe('the content of a client', () => {
  test('does not depend on ignored fields, which remain in the event', () => {
    const read = reader('points')
    const [older, newer] = [read(client), read({ ...client, Points: '4' })]
    expect([newer.content, newer.contentHash]).toEqual([older.content, older.contentHash])
    expect(newer.json).toContain('"Points":"4"')
    expect(read({ ...client, No: '2' }).content).not.toBe(older.content)
  })

  test('covers the whole client when no field is ignored', () => {
    expect(reader()(client).contentHash).toBe(sha256(canonicalJson(client)))
  })

  test('can be asked for as if other fields were ignored', () => {
    const read = reader()(client)
    expect(contentIgnoring(read, ['points'])).toBe(reader('points')(client).content)
    expect(contentIgnoring(read, [])).toBe(read.content)
  })

  test('has hashes that never change: stored indexes are compared with them', () => {
    const { contentHash, content, key } = reader()({ b: 'é', a: ['1', { d: '', c: '2' }], No: '0042' })
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
    const unmapped = clientReader({ clientId: 'No', modifiedAt: null }, { timeZone: 'UTC', ignored: new Set() })
    expect(unmapped(client).modified).toBeUndefined()
  })
})
