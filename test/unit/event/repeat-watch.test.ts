import { describe, expect, test } from 'vitest'
import { repeatWatch } from '../../../connector/event/repeat-watch.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'

/** Publishes again, drain after drain; collects what is warned about and in which drain. */
function warnings(drains: readonly (ClientRecord | undefined)[], watch = repeatWatch()) {
  return drains.flatMap((client, drain) => {
    watch.nextDrain()
    const fields = client === undefined ? undefined : watch.publishedAgain('hash-1', client)
    return fields === undefined ? [] : [{ drain: drain + 1, fields }]
  })
}
const client = (points: number, more: ClientRecord = {}) => ({ No: '1', Points: String(points), ...more })

describe('a client that is published again', () => {
  test('in five overlaps running is warned about, with the names of the changing fields only', () => {
    expect(warnings([1, 2, 3, 4, 5].map((points) => client(points)))).toEqual([{ drain: 5, fields: ['Points'] }])
  })

  test('is warned about once', () => {
    expect(warnings([1, 2, 3, 4, 5, 6, 7, 8].map((points) => client(points)))).toHaveLength(1)
  })

  test('in four is not', () => {
    expect(warnings([1, 2, 3, 4].map((points) => client(points)))).toEqual([])
  })

  test('in five with a drain in between that left it alone is not', () => {
    expect(warnings([client(1), client(2), client(3), undefined, client(4), client(5)])).toEqual([])
  })

  test('names no field that kept still once', () => {
    const moves = (drain: number) => (drain === 3 ? '2' : String(drain))
    const drains = [1, 2, 3, 4, 5].map((drain) =>
      client(drain, { Ville: moves(drain), Solde: { Euro: String(drain) } }),
    )
    expect(warnings(drains)).toEqual([{ drain: 5, fields: ['Points', 'Solde'] }])
  })

  test('counts a field that comes and goes as changing', () => {
    const drains = [1, 2, 3, 4, 5].map((drain) => (drain % 2 === 0 ? { No: '1' } : { No: '1', Age: '9' }))
    expect(warnings(drains)).toEqual([{ drain: 5, fields: ['Age'] }])
  })

  test('counts once a drain, however often it comes in it', () => {
    const watch = repeatWatch()
    watch.nextDrain()
    const answers = [1, 2, 3, 4, 5, 6].map((points) => watch.publishedAgain('hash-1', client(points)))
    expect(answers.every((answer) => answer === undefined)).toBe(true)
  })

  test('two clients with the same restless field are one warning', () => {
    const watch = repeatWatch()
    const said: unknown[] = []
    for (let drain = 1; drain <= 5; drain += 1) {
      watch.nextDrain()
      for (const hash of ['hash-1', 'hash-2']) said.push(watch.publishedAgain(hash, client(drain)))
    }
    expect(said.filter((fields) => fields !== undefined)).toEqual([['Points']])
  })

  test('is watched only among the first fifty, so that memory stays bounded', () => {
    const watch = repeatWatch()
    const said: unknown[] = []
    for (let drain = 1; drain <= 6; drain += 1) {
      watch.nextDrain()
      for (let one = 0; one < 50; one += 1) watch.publishedAgain(`hash-${one}`, { No: '1' })
      said.push(watch.publishedAgain('hash-50', client(drain)))
    }
    expect(said.filter((fields) => fields !== undefined)).toEqual([])
  })
})
