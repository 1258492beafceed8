import { expect, test } from 'vitest'
import type { FieldTypes, ValueType } from '../../../../../connector/event/fields/field-types.ts'
import { mistyped, mistypedCounts } from '../../../../../connector/pipeline/features/mistyped/mistyped.ts'
import type { ClientRecord } from '../../../../../connector/source/client-source.ts'
import { statesOf } from '../../../scan/scans.ts'
import { building, reportsOf } from '../../builders.ts'
import { reading } from '../../readings.ts'

const types: FieldTypes = new Map<string, ValueType>([
  ['points', 'integer'],
  ['carte.solde', 'decimal'],
])

let next = 0
function counting(of = types, from?: Pick<ReturnType<typeof building>, 'state' | 'table'>) {
  const built = building({ features: [mistyped(of)] }, from && { state: from.state(), table: from.table })
  const publish = (...clients: readonly ClientRecord[]) => {
    built.builder.add(
      reading(
        clients.map((client) => ({ No: `${next++}`, ...client })),
        { states: statesOf() },
      ),
    )
    const delivered = built.delivered()
    return [...reportsOf(delivered, 'values-mistyped'), ...reportsOf(delivered, 'fields-changed')]
  }
  const counts = () => Object.fromEntries(mistypedCounts(of, built.state().parts.mistyped))
  return { ...built, publish, counts }
}

test('values that do not fit their type are counted, and their field is reported once, by its configured path', () => {
  const { publish, counts } = counting()
  expect(publish({ Points: '12', Carte: { Solde: '' } })).toEqual([])
  expect(publish({ Points: '007' }, { POINTS: 'x', Carte: [{ Solde: '1,5' }, { Solde: '2,5' }] })).toEqual([
    { kind: 'values-mistyped', values: 3 },
    { kind: 'fields-changed', change: 'mistyped', fields: ['points', 'carte.solde'] },
  ])
  expect(publish({ Points: '008' })).toEqual([{ kind: 'values-mistyped', values: 1 }])
  expect(counts()).toEqual({ points: 3, 'carte.solde': 1 })
})

test('another replica continues the count; a field with a new type begins at zero', () => {
  const first = counting()
  first.publish({ Points: '007' })
  const second = counting(types, first)
  expect(second.publish({ Points: '008' })).toEqual([{ kind: 'values-mistyped', values: 1 }])
  expect(second.counts()).toEqual({ points: 2 })
  expect(counting(new Map([['points', 'decimal']]), second).counts()).toEqual({})
})

test('a group that is not delivered counts nothing', () => {
  const { builder, publish, counts, ...built } = counting()
  publish({ Points: '007' })
  builder.add(reading([{ No: 'again', Points: '008' }], { states: statesOf() }))
  builder.finish()
  // The group was not delivered: the stream is opened again from what is stored.
  expect(counting(types, built).counts()).toEqual({ points: 1 })
  expect(counts()).toEqual({ points: 1 })
})
