import { describe, expect, test } from 'vitest'
import { canonicalJson, sha256 } from '../../../connector/event/canonical-json.ts'
import { fieldHash, fieldRules } from '../../../connector/event/fields/field-rules.ts'
import { clientReader, comparedContent, type ReadingRules } from '../../../connector/event/read-client.ts'
import { clientKey, contentKey } from '../../../connector/index/index-entry.ts'
import { parsedWithDigits } from '../../../connector/runtime/parsed-json.ts'
import type { ClientRecord, ClientValue } from '../../../connector/source/client-source.ts'

// Clients are read under different rules, and their contents and hashes are compared.

const client = { Modif: '2026-06-15T12:00:00', No: '1', Points: '3' }
const mapping = { clientId: 'No', modifiedAt: 'Modif' }
const plain: ReadingRules = { timeZone: 'Europe/Paris', ignored: new Set(), lists: [], fields: undefined }
const reader = (more: Partial<ReadingRules> = {}, lists: readonly string[] = []) =>
  clientReader(mapping, lists, { ...plain, ...more })
const ignoring = (...paths: readonly string[]) => reader({ ignored: new Set(paths) })

describe('the content of a client', () => {
  test('does not depend on ignored fields, which remain in the event', () => {
    const read = ignoring('points')
    const older = read(client)
    const newer = read({ ...client, Points: '4' })
    expect(newer.content).toBe(older.content)
    expect(newer.contentHash).toBe(older.contentHash)
    expect(newer.json).toContain('"Points":"4"')
    expect(read({ ...client, No: '2' }).content).not.toBe(older.content)
  })

  test('covers all that is published when no field is ignored', () => {
    expect(reader()(client).content).toBe(contentKey(sha256(canonicalJson(client))))
    const { json, contentHash } = reader({ types: new Map([['points', 'integer']]) }, ['Modif'])(client)
    expect(json).toBe('{"Modif":["2026-06-15T12:00:00"],"No":"1","Points":3}')
    expect(contentHash).toBe(sha256(json))
  })

  test('compares as that of the client in its event, whatever its settings and what is known as a list', () => {
    const types = new Map([['points', 'decimal'] as const])
    const ignored = new Set(['vu'])
    for (const Points of ['1.50', '9007199254740993', '007', 'true']) {
      const compared = (more: Partial<ReadingRules>, Vu: string) => {
        const { json } = reader({ types, ignored, ...more })({ ...client, Points, Vu, Cartes: '' })
        return comparedContent(parsedWithDigits(json) as ClientRecord, ignored)
      }
      const known = compared({ lists: ['Modif', 'Cartes.Carte'] }, 'today')
      expect(compared({}, 'yesterday')).toBe(known)
      expect(compared({ ignored: new Set(['points']) }, 'x')).toBe(known)
      expect(compared({ fields: fieldRules('keep', [['Modif', 'drop']]) }, 'x')).not.toBe(known)
    }
  })

  test('compares as that of the client in its event, also where rules keep only an empty list', () => {
    const fields = fieldRules('drop', [
      ['No', 'keep'],
      ['Cartes.Carte', 'keep'],
    ])
    const compared = (lists: readonly string[], Cartes: ClientValue) => {
      const { json } = reader({ fields, lists })({ ...client, Cartes })
      return comparedContent(parsedWithDigits(json) as ClientRecord, new Set())
    }
    for (const Cartes of ['', { Carte: { No: '1' } }, { Carte: '' }])
      expect(compared(['Cartes.Carte'], Cartes)).toBe(compared([], Cartes))
    expect(compared([], { Carte: { No: '1' } })).not.toBe(compared([], ''))
  })

  test('is another one under settings that publish the client otherwise', () => {
    const contents = [
      reader()(client),
      reader({ lists: ['Points'] })(client),
      reader({ types: new Map([['points', 'integer']]) })(client),
      reader({ fields: fieldRules('keep', [['Points', 'drop']]) })(client),
    ].map(({ content }) => content)
    expect(new Set(contents).size).toBe(contents.length)
    expect(reader({}, ['points'])(client).content).toBe(contents[1])
    expect(reader({ timeZone: 'UTC' })(client).content).toBe(contents[0])
    expect(reader({ lists: ['Cartes'], types: new Map([['cartes', 'integer']]) })(client).content).toBe(contents[0])
  })

  test('has hashes that never change: stored indexes are compared with them', () => {
    const { content, key, contentHash } = reader()({ No: '0042', a: ['1', { c: '2', d: '' }], b: 'é' })
    expect(contentHash).toBe('VV3QQVsBvMD8zgS6nYr6Zwg70nf_SC9hRWKflmsTacc')
    expect([content, key]).toEqual([contentKey(contentHash), clientKey('0042')])
  })
})

describe('a client', () => {
  test('is known by its id, or by its content if it has none', () => {
    const read = reader()
    expect(read(client).key).toBe(clientKey('1'))
    const first = read({ Nom: 'a' })
    const again = read({ Nom: 'a' })
    const other = read({ Nom: 'b' })
    expect(again.key).toBe(first.key)
    expect(other.key).not.toBe(first.key)
  })

  test('has a modification time if that field is mapped and a time', () => {
    expect(reader()(client).modified).toMatchObject({ wallClock: '2026-06-15T12:00:00', hasTimeOfDay: true })
    expect(reader()({ ...client, Modif: 'soon' }).modified).toBeUndefined()
    expect(clientReader({ clientId: 'No', modifiedAt: null }, [], plain)(client).modified).toBeUndefined()
  })
})

describe('a client of which events contain only a part', () => {
  const hmac = fieldHash('a key of thirty-two characters..')
  const fields = fieldRules('keep', [
    ['Mail', 'hmac'],
    ['Memo', 'drop'],
  ])
  const whole = { No: '1', Mail: 'zoe@exemple.example', Memo: 'planted', Age: '30' }
  const minimising = (more: Partial<ReadingRules> = {}) => reader({ fields, hmac, ...more })

  test('has a content without dropped fields: a change of one is none', () => {
    const { content } = minimising()(whole)
    expect(minimising()({ ...whole, Memo: 'changed' }).content).toBe(content)
    expect(minimising()({ ...whole, Mail: 'changed' }).content).not.toBe(content)
  })

  test('has a content hash of what is published, so that guesses of a hashed value cannot be tested with it', () => {
    const { json, contentHash } = minimising()(whole)
    expect(contentHash).toBe(sha256(json))
    const other = fieldHash('another key, as long as the first')
    expect(minimising({ hmac: other })(whole).contentHash).not.toBe(contentHash)
    const withoutAge = minimising({ ignored: new Set(['age']) })
    expect(withoutAge({ ...whole, Age: '31' }).contentHash).toBe(withoutAge(whole).contentHash)
  })
})
