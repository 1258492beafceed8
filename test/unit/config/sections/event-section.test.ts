import { describe, expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { fieldHash } from '../../../../connector/event/fields/field-rules.ts'
import { byVariable, fromEnvironment, fromFile, leastEnvironment, problems, valid } from '../config-sources.ts'

const key = 'planted key of the HMAC: 32 characters or more'
const least = { ...leastEnvironment, POLARIS_CLIENT_ID_FIELD: 'No', EVENT_HMAC_KEY: key }
const found = (environment: Record<string, string>) =>
  problems(fromEnvironment({ ...least, ...environment })).map(byVariable)
const eventOf = (loaded: ReturnType<typeof fromFile>) => {
  const event = connectorConfig(valid(loaded)).streams[0]?.rules
  return [event?.fields && Object.fromEntries(event.fields.actions), event?.fields?.others, event?.hmac?.('x')]
}

describe('the fields of events', () => {
  test('are all of the client when nothing is set', () => {
    expect(eventOf(fromEnvironment(leastEnvironment))).toEqual([undefined, undefined, undefined])
  })

  test('can be set in the file and in variables', () => {
    const yaml = 'streams: [{ event: { fields: { Mail: hmac, Adresse.Rue: drop, No: keep }, otherFields: drop } }]'
    const rules = [{ mail: 'hmac', 'adresse.rue': 'drop', no: 'keep' }, 'drop', fieldHash(key)('x')]
    expect(eventOf(fromFile(yaml, least))).toEqual(rules)
    const EVENT_FIELDS = 'Mail: hmac\nAdresse.Rue: drop\nNo: keep'
    expect(eventOf(fromEnvironment({ ...least, EVENT_FIELDS, EVENT_OTHER_FIELDS: 'drop' }))).toEqual(rules)
  })

  test('can have types', () => {
    const typesOf = (loaded: ReturnType<typeof fromFile>) => connectorConfig(valid(loaded)).streams[0]?.rules.types
    expect(typesOf(fromEnvironment(leastEnvironment))).toBeUndefined()
    const types = new Map([
      ['points', 'integer'],
      ['carte.solde', 'decimal'],
    ])
    const yaml = 'streams: [{ event: { types: { Points: integer, Carte.Solde: decimal } } }]'
    expect(typesOf(fromFile(yaml, leastEnvironment))).toEqual(types)
    const EVENT_TYPES = 'Points: integer\nCarte.Solde: decimal'
    expect(typesOf(fromEnvironment({ ...leastEnvironment, EVENT_TYPES }))).toEqual(types)
  })

  test.each([
    [{ EVENT_TYPES: 'Points: number' }, ['EVENT_TYPES must be one of integer, decimal, boolean']],
    [
      { EVENT_TYPES: 'Points: integer\npoints: decimal' },
      expect.arrayContaining(['EVENT_TYPES is the same field as points: keep only one']),
    ],
    [{ EVENT_FIELDS: 'Mail:' }, ['EVENT_FIELDS must be one of keep, drop, hmac']],
    [
      { EVENT_FIELDS: 'Mail.#text: drop', EVENT_TYPES: 'Points.#text: integer', POLARIS_HASH_IGNORE: '#text' },
      Array(3).fill(
        expect.stringContaining('and #text: a rule names an element and covers its text, with attributes and without'),
      ),
    ],
    [
      { EVENT_FIELDS: 'Mail: drop\nNom: keep\nMail: keep' },
      ['EVENT_FIELDS must be a map of names to values; in a variable, lines of Name: value, each name once'],
    ],
    [
      { EVENT_FIELDS: 'Mail' },
      ['EVENT_FIELDS must be a map of names to values; in a variable, lines of Name: value, each name once'],
    ],
    [
      { EVENT_FIELDS: 'a,b: drop' },
      [
        'EVENT_FIELDS must be a field name or a dotted path such as Adresse.CodePostal, without , = * and #text: a rule names an element and covers its text, with attributes and without',
      ],
    ],
    [
      { EVENT_FIELDS: 'Mail: hash\nNom.: drop' },
      [expect.stringContaining('must be one of'), expect.stringContaining('must be a field name')],
    ],
    [
      { EVENT_HMAC_KEY: 'a planted short key' },
      ['EVENT_HMAC_KEY must have at least 32 characters: create it with openssl rand -base64 32'],
    ],
    [
      { EVENT_FIELDS: 'Mail: hmac', EVENT_HMAC_KEY: '' },
      ['EVENT_HMAC_KEY is missing: required by hmac in event.fields'],
    ],
    [
      { EVENT_FIELDS: 'Adresse: hmac\nadresse.Rue: drop' },
      ['EVENT_FIELDS is part of Adresse, which is hashed as a whole: remove one or the other'],
    ],
    [
      { EVENT_FIELDS: 'Mail: drop', POLARIS_CLIENT_ID_FIELD: '' },
      ['POLARIS_CLIENT_ID_FIELD is missing: required where event.fields drops or hashes fields'],
    ],
  ])('%j is reported', (environment, expected) =>
    expect(found(environment as Record<string, string>)).toEqual(expected),
  )

  test.each([
    [{ EVENT_FIELDS: 'no: drop' }],
    [{ EVENT_FIELDS: 'NO: hmac' }],
    [{ EVENT_OTHER_FIELDS: 'drop' }],
    [{ EVENT_FIELDS: 'Ident: drop', POLARIS_CLIENT_ID_FIELD: 'Ident.No' }],
  ])('%j is reported, because it does not keep the client id', (environment) => {
    expect(found(environment as Record<string, string>)).toEqual([expect.stringContaining('must keep the client id')])
  })

  test('a problem has the form of where the setting came from', () => {
    const [ofVariable] = found({ EVENT_FIELDS: 'No: drop' })
    expect(ofVariable).toContain('must keep the client id (add No: keep)')
    const [withoutRules] = found({ EVENT_OTHER_FIELDS: 'drop', POLARIS_CLIENT_ID_FIELD: 'No' })
    expect(withoutRules).toContain('(add No: keep)')
    const [ofFile] = problems(fromFile('streams: [{ event: { fields: { "No": drop } } }]', least)).map(byVariable)
    expect(ofFile).toContain('must keep the client id (add "No": keep)')
  })
})
