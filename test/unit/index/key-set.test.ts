import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ClientKey, clientKey, keyText } from '../../../connector/index/index-entry.ts'
import { keySet } from '../../../connector/index/key-set.ts'

const word = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))

test('has exactly the keys that were added, however they collide', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 200 }), fc.array(fc.tuple(word, word)), (added, asked) => {
      // A key of zeros counts as the one after it.
      const text = ([high, low]: [number, number]) => keyText(high, high + low === 0 ? 1 : low) as ClientKey
      const keys = new Set(added.map(text))
      const set = keySet()
      for (const [high, low] of added) set.add(keyText(high, low) as ClientKey)
      expect(set.size()).toBe(keys.size)
      for (const pair of [...added, ...asked]) expect(set.has(text(pair))).toBe(keys.has(text(pair)))
    }),
  )
})

test('grows to many keys', () => {
  const set = keySet()
  for (let id = 0; id < 50_000; id += 1) set.add(clientKey(String(id)))
  const found = Array.from({ length: 60_000 }, (_, id) => set.has(clientKey(String(id))))
  expect([set.size(), found.filter(Boolean).length, found.indexOf(false)]).toEqual([50_000, 50_000, 50_000])
})
