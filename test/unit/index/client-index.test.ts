import { describe, expect, test } from 'vitest'
import { type ContentRules, clientIndex, rulesText } from '../../../connector/index/client-index.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { type ContentKey, keyText, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'
import { emptyIndex, type IndexState, withRules } from '../../../connector/index/index-state.ts'
import { entry, key } from './entries.ts'

const old: ContentRules = { ignored: ['points'], limits: 'No 1000' }
const now: ContentRules = { ignored: [], limits: 'No 1000' }
const larger: ContentRules = { ignored: [], limits: 'No 2000' }
const content = (value: number) => keyText(0, value) as ContentKey
const noOther = () => {
  throw new Error('hashed under other rules')
}

function indexWith(rules: readonly ContentRules[], more: Partial<IndexState> = {}) {
  const state = { ...emptyIndex, rules: rules.map(rulesText), ...more }
  return clientIndex(clientTable(), state, rulesText(rules.at(-1) ?? now))
}

describe('a client', () => {
  test('is unchanged if its content is that of its entry under the present rules, without another hash', () => {
    const index = indexWith([now])
    const one = entry(1, { content: content(5), rules: 0 })
    expect(index.compare(one, content(5), noOther)).toBe('same')
    expect(index.compare(one, content(6), noOther)).toBe('other')
  })

  test('is compared under the rules with which its entry was made', () => {
    const index = indexWith([old, now])
    const one = entry(1, { content: content(5), rules: 0 })
    const under = (rules: ContentRules) => content(rules.ignored.includes('points') ? 5 : 9)
    expect(index.compare(one, content(7), under)).toBe('same')
    expect(index.compare(one, content(5), () => content(8))).toBe('other')
  })

  test('cannot be compared if the rules of its entry are not known', () => {
    expect(indexWith([now]).compare(entry(1, { rules: 7 }), content(2), noOther)).toBe('unknown')
  })

  test('cannot be compared as a dead letter that was made under other limits', () => {
    const index = indexWith([now, larger])
    const under = () => content(5)
    expect(index.compare(entry(1, { content: content(5), isDeadLetter: true }), content(5), under)).toBe('unknown')
    expect(index.compare(entry(1, { content: content(5) }), content(5), under)).toBe('same')
    const sameLimits = indexWith([old, now])
    expect(sameLimits.compare(entry(1, { content: content(5), isDeadLetter: true }), content(5), under)).toBe('same')
  })

  test('cannot be compared if its content is unknown, also under its rules, or was forgotten', () => {
    const index = indexWith([now], { contentsFrom: 10 })
    expect(index.compare(entry(20, { content: UNKNOWN_CONTENT }), UNKNOWN_CONTENT, noOther)).toBe('unknown')
    expect(index.compare(entry(9, { content: content(5) }), content(5), noOther)).toBe('unknown')
    const made = entry(20, { content: content(5), rules: 0 })
    expect(indexWith([old, now]).compare(made, content(5), () => UNKNOWN_CONTENT)).toBe('unknown')
    expect(index.compare(entry(10, { content: content(5) }), content(5), noOther)).toBe('same')
  })

  test('is looked up in the table', () => {
    const table = clientTable()
    table.set(key(1), entry(4))
    const index = clientIndex(table, { ...emptyIndex, rules: [rulesText(now)], generation: 3 }, rulesText(now))
    expect([index.get(key(1)), index.get(key(2)), index.rules, index.generation]).toEqual([entry(4), undefined, 0, 3])
  })
})

describe('the rules of an index', () => {
  test('are the same text whatever the order of the ignored fields', () => {
    expect(rulesText({ ignored: ['b', 'a'], limits: 'x' })).toBe(rulesText({ ignored: ['a', 'b'], limits: 'x' }))
  })

  test('are added once, and keep their number', () => {
    const first = withRules(emptyIndex, 'a', 7)
    expect(first).toEqual({ ...emptyIndex, rules: ['a'] })
    expect(withRules(first, 'a', 8)).toBe(first)
    expect(withRules(first, 'b', 8).rules).toEqual(['a', 'b'])
  })

  test('replace rules that no entry uses beyond 256, or all of them, where all contents become unknown', () => {
    let state: IndexState = emptyIndex
    for (let number = 0; number < 256; number += 1) state = withRules(state, `${number}`, 7, () => 0)
    expect([state.rules.length, state.contentsFrom]).toEqual([256, 0])
    expect(withRules(state, 'next', 7, () => 3)).toEqual({ ...state, rules: state.rules.with(3, 'next') })
    expect(withRules(state, 'next', 7)).toMatchObject({ rules: ['next'], contentsFrom: 7 })
  })
})
