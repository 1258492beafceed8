import { expect, test } from 'vitest'
import { recordOf } from '../../../connector/source/client-source.ts'

test('the fields of a record are in the order of canonical JSON, whatever their order was', () => {
  const record = recordOf([
    ['b', '1'],
    ['10', '2'],
    ['a', '3'],
    ['9', '4'],
  ])
  expect(JSON.stringify(record)).toBe('{"9":"4","10":"2","a":"3","b":"1"}')
})

test('a record can have fields with names of the prototype', () => {
  const fields = [
    ['__proto__', '1'],
    ['constructor', '2'],
  ] as const
  expect(Object.entries(recordOf(fields))).toEqual(fields)
})
