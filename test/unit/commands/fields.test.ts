import { expect, test } from 'vitest'
import { fieldLines, fieldsOutput } from '../../../connector/commands/fields.ts'

const seen = { filled: 0, shapes: [], longest: 0, firstSeen: Date.parse('2026-06-15T10:00:00Z'), seenAt: 0 }
const fields = [
  { ...seen, path: 'No', clients: 2000, filled: 2000, shapes: ['text' as const], longest: 8, isVanished: false },
  {
    ...seen,
    path: 'Membres',
    clients: 500,
    filled: 400,
    shapes: ['object' as const, 'list' as const],
    isVanished: true,
  },
  { ...seen, path: 'Membres.*', clients: 1, isVanished: false },
]

const types = [
  { path: 'points', type: 'integer' as const, mistyped: 0 },
  { path: 'carte.solde', type: 'decimal' as const, mistyped: 3 },
]

test('shows of each field its share, how often it is empty, its forms, its longest text and since when it is known', () => {
  const report = fieldsOutput('lyon', { clients: 2000, isLearned: false, lists: ['Membres'], types, fields })
  expect(fieldLines(report, { paint: (_, text) => text })).toEqual([
    'stream lyon: fields of 2000 clients',
    'field      clients  empty  form          longest  first seen',
    'No         100 %    0 %    text          8        2026-06-15T10:00:00Z',
    'Membres    25 %     20 %   object, list  0        2026-06-15T10:00:00Z, vanished',
    'Membres.*  0.1 %    100 %  always empty  0        2026-06-15T10:00:00Z',
    'Lists in every event: Membres; to configure: listFields: ["Membres"]',
    'Types: points integer, carte.solde decimal (does not fit in 3 clients)',
    'Fields that appear now are not reported as new: too few clients are known.',
  ])
})
