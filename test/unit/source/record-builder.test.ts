import { describe, expect, it } from 'vitest'
import { RecordBuilder } from '../../../connector/source/record-builder.ts'

function recordOf(...fields: readonly (readonly [name: string, value: string])[]) {
  const building = new RecordBuilder()
  for (const [name, value] of fields) building.add(name, value)
  return building.record()
}

describe('a record builder', () => {
  it('puts the fields in the order of canonical JSON, whatever their order was', () => {
    expect(JSON.stringify(recordOf(['b', '1'], ['10', '2'], ['a', '3'], ['9', '4']))).toBe(
      '{"9":"4","10":"2","a":"3","b":"1"}',
    )
  })

  it('gives records with the same names values of their own', () => {
    const [first, second] = [recordOf(['b', '1'], ['a', '2']), recordOf(['b', '3'], ['a', '4'])]
    expect([first, second]).toEqual([
      { a: '2', b: '1' },
      { a: '4', b: '3' },
    ])
  })

  it('refuses a second field with the same name, and can replace its value', () => {
    const building = new RecordBuilder()
    expect([building.add('a', '1'), building.add('a', '2'), building.add('a', '3')]).toEqual([true, false, false])
    expect(building.get('a')).toBe('1')
    building.replace('a', ['1', '2'])
    expect(building.record()).toEqual({ a: ['1', '2'] })
  })

  it('makes a field of a name of the prototype', () => {
    const record = recordOf(['__proto__', '1'], ['constructor', '2'])
    expect(Object.entries(record)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
  })

  it('still builds records after more lists of names than it keeps', () => {
    const building = new RecordBuilder()
    building.add('a', '1')
    for (let at = 0; at < 20_001; at += 1) expect(recordOf([`f${at}`, 'x'])).toEqual({ [`f${at}`]: 'x' })
    building.add('b', '2')
    expect(building.record()).toEqual({ a: '1', b: '2' })
  })
})
