import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskedRecord, maskedText } from '../../../../connector/inspect/preview/masked-json.ts'

test.each([
  ['Marie-Zoé', 'xxx-xxx'],
  ['marie.zoe@example.com', 'xxx.xxx@xxx.xxx'],
  ['06 39 98 77 47', '99 99 99 99 99'],
  ['2026-01-31T13:45:00', '9999-99-99x99:99:99'],
  ['Ω ٣ 😀', 'x 9 x'],
  ['', ''],
  ['word '.repeat(20), `${'xxx '.repeat(10)}…`],
])('masks %j as %j', (text, masked) => expect(maskedText(text)).toBe(masked))

test('invariant 8: two values of the same form look the same, whatever their letters and digits', async () => {
  const word = fc.stringMatching(/^[A-Za-zÀ-ÖØ-öø-ÿ]{2,20} \d{4}$/)
  await fc.assert(fc.property(word, word, (one, other) => maskedText(one) === maskedText(other)))
})

test('invariant 8: keeps only the attributes of an event that say nothing about the client', () => {
  const event = { specversion: '1.0', type: 'client.modified', source: '/polaris/a/b', sequence: '07', subject: 'C-17' }
  const data = { No: 'C-17', Adresse: { Ville: 'Lyon' }, Cartes: ['a1', { source: 'b2', empty: '' }] }
  expect(maskedRecord({ ...event, id: '3f', time: '2026-01-31T13:45:00.000Z', partitionkey: 'C-17', data })).toEqual({
    ...{ specversion: '1.0', type: 'client.modified', source: '/polaris/a/b', sequence: '07', subject: 'x-99' },
    ...{ id: '9x', time: '9999-99-99x99:99:99.999x', partitionkey: 'x-99' },
    data: { No: 'x-99', Adresse: { Ville: 'xxx' }, Cartes: ['x9', { source: 'x9', empty: '' }] },
  })
})
