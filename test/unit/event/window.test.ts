import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../connector/event/fingerprint.ts'
import {
  openWindow,
  type Window,
  type WindowState,
  type WindowStep,
  windowAfter,
  windowEntry,
} from '../../../connector/event/window.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'

const empty: WindowState = { frozen: [], seen: [] }
const at = (minute: number) => `2026-06-15T10:${String(minute).padStart(2, '0')}:00` as SourceTime
const entry = (client: string, content: string) => windowEntry(sha256(client), sha256(content))
/** `1A 2B`: client 1 with content A, then client 2 with content B. */
const entries = (text: string) =>
  text
    .split(' ')
    .map((pair) => entry(pair.slice(0, 1), pair.slice(1)))
    .join('')
const seen = (text: string, minute = 0): WindowStep => ({
  kind: 'seen',
  slice: { until: at(minute), entries: entries(text) },
})
const freeze = (minute: number): WindowStep => ({ kind: 'freeze', keepFrom: at(minute) })
const windowOf = (capacity: number, ...steps: WindowStep[]): Window => {
  const window = openWindow(empty, capacity)
  for (const step of steps) window.apply(step)
  return window
}
const compare = (window: Window, pair: string) => window.compare(entries(pair))

describe('an entry', () => {
  test('is 11 + 11 base64url characters: 66 bits of the hash of the id and of the content', () => {
    expect(entry('1', 'A')).toBe(sha256('1').slice(0, 11) + sha256('A').slice(0, 11))
    expect(entry('1', 'A')).toMatch(/^[\w-]{22}$/)
  })
})

describe('what is read again', () => {
  test('is the same when its content is the latest, other when not, unknown when the client is', () => {
    const window = windowOf(10, seen('1A 2B'))
    expect([compare(window, '1A'), compare(window, '1B'), compare(window, '3A')]).toEqual(['same', 'other', 'unknown'])
  })

  test('A → B → A keeps its last change, within a drain', () => {
    const window = windowOf(10, seen('1A'), seen('1B'))
    expect(compare(window, '1A')).toBe('other')
  })

  test('A → B → A keeps its last change, on one page', () => {
    expect(compare(windowOf(10, seen('1A 1B')), '1A')).toBe('other')
    expect(compare(windowOf(10, seen('1A 1B'), freeze(0)), '1A')).toBe('other')
  })

  test('A → B → A keeps its last change, across drains', () => {
    const window = windowOf(10, seen('1A'), freeze(0), seen('1B'))
    expect(compare(window, '1A')).toBe('other')
    window.apply(freeze(0))
    expect([compare(window, '1A'), compare(window, '1B')]).toEqual(['other', 'same'])
  })

  test('Invariant 1: A → B → A keeps its last change even when the capacity pushed B out of this drain', () => {
    const steps = [seen('1A 2A'), freeze(0), seen('1B'), seen('3A'), seen('4A'), seen('5A')]
    const window = windowOf(3, ...steps)
    expect(compare(window, '1A')).toBe('unknown')
    expect(compare(window, '2A')).toBe('same')
    const reloaded = openWindow(window.state(), 3)
    expect(compare(reloaded, '1A')).toBe('unknown')
    expect(windowAfter(empty, steps, 3)).toEqual(window.state())
  })
})

describe('two generations', () => {
  test('what drains before have seen is not pushed out while a drain runs, however much it reads', () => {
    const window = windowOf(2, seen('1A 2A'), freeze(0))
    for (const client of '3456789') window.apply(seen(`${client}A`))
    expect([compare(window, '1A'), compare(window, '2A')]).toEqual(['same', 'same'])
  })

  test('when a drain begins, what it can bring back stays, and what it cannot goes', () => {
    const window = windowOf(10, seen('1A', 5), seen('2A', 6), seen('3A', 7), freeze(6))
    expect(['1A', '2A', '3A'].map((pair) => compare(window, pair))).toEqual(['unknown', 'same', 'same'])
    expect(window.state().seen).toEqual([])
  })

  test('what a later drain replaced does not come back when the newer entry is too old to stay', () => {
    const window = windowOf(10, seen('1A', 9), seen('1B', 5), freeze(7))
    expect(compare(window, '1A')).toBe('unknown')
    expect(window.state()).toEqual(empty)
  })

  test('what stays is kept once, in its order', () => {
    const window = windowOf(10, seen('1A 2A'), seen('1B'), freeze(0))
    expect(window.state().frozen).toEqual([
      { until: at(0), entries: entries('2A') },
      { until: at(0), entries: entries('1B') },
    ])
  })

  test('a freeze in the middle of a drain joins both generations', () => {
    const window = windowOf(10, seen('1A'), freeze(0), seen('2A'), freeze(0), seen('3A'))
    expect(['1A', '2A', '3A'].map((pair) => compare(window, pair))).toEqual(['same', 'same', 'same'])
  })
})

describe('the capacity', () => {
  test('pushes out the oldest page, and says how many clients it cost', () => {
    const window = windowOf(3, seen('1A 2A'))
    expect(window.apply(seen('3A'))).toBe(0)
    expect(window.apply(seen('4A'))).toBe(2)
    expect(['1A', '2A', '3A', '4A'].map((pair) => compare(window, pair))).toEqual([
      'unknown',
      'unknown',
      'same',
      'same',
    ])
  })

  test('does not count a client that a later page knows better', () => {
    const window = windowOf(3, seen('1A 2A'), seen('1B'))
    expect(window.apply(seen('3A'))).toBe(1)
    expect([compare(window, '1B'), compare(window, '2A')]).toEqual(['same', 'unknown'])
  })

  test('holds for what a drain takes over, too', () => {
    const window = windowOf(2, seen('1A 2A'), freeze(0), seen('3A 4A'))
    expect(window.apply(freeze(0))).toBe(2)
    expect(['1A', '2A', '3A', '4A'].map((pair) => compare(window, pair))).toEqual([
      'unknown',
      'unknown',
      'same',
      'same',
    ])
  })

  test('never pushes out the page just read, be it larger', () => {
    const window = windowOf(2, seen('1A 2A 3A'))
    expect(compare(window, '1A')).toBe('same')
  })

  test('an empty page takes no place', () => {
    const window = windowOf(2)
    window.apply({ kind: 'seen', slice: { until: at(0), entries: '' } })
    expect(window.state()).toEqual(empty)
  })
})

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.array(fc.tuple(fc.nat(6), fc.nat(2)), { minLength: 1, maxLength: 4 }), fc.nat(20))
      .map(([pairs, minute]) => seen(pairs.map(([client, content]) => `${client}${content}`).join(' '), minute)),
  },
  { weight: 1, arbitrary: fc.nat(20).map(freeze) },
)

describe('whatever happens to it', () => {
  test('a reloaded window answers like the one that was running, at any moment', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 8 }), (steps, capacity) => {
        const running = openWindow(empty, capacity)
        for (const next of steps) {
          const reloaded = openWindow(running.state(), capacity)
          expect(reloaded.state()).toEqual(running.state())
          for (let client = 0; client < 7; client += 1)
            for (let content = 0; content < 3; content += 1)
              expect(compare(reloaded, `${client}${content}`)).toBe(compare(running, `${client}${content}`))
          expect(reloaded.apply(next)).toBe(running.apply(next))
        }
        expect(windowAfter(empty, steps, capacity)).toEqual(running.state())
      }),
    )
  })

  test('Invariant 1: it never takes a content for the latest that is not', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 8 }), (steps, capacity) => {
        const window = openWindow(empty, capacity)
        const latest = new Map<string, string>()
        for (const next of steps) {
          window.apply(next)
          if (next.kind === 'freeze') continue
          const { entries: text } = next.slice
          for (let from = 0; from < text.length; from += 22)
            latest.set(text.slice(from, from + 11), text.slice(from + 11, from + 22))
        }
        for (let client = 0; client < 7; client += 1) {
          const key = entries(`${client}0`).slice(0, 11)
          for (let content = 0; content < 3; content += 1) {
            const pair = entries(`${client}${content}`)
            if (window.compare(pair) === 'same') expect(latest.get(key)).toBe(pair.slice(11))
          }
        }
      }),
    )
  })

  test('no generation holds more than the capacity, but for a larger last page', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.integer({ min: 4, max: 8 }), (steps, capacity) => {
        const { frozen, seen: now } = windowAfter(empty, steps, capacity)
        for (const generation of [frozen, now])
          expect(
            generation.map(({ entries: text }) => text.length / 22).reduce((sum, one) => sum + one, 0),
          ).toBeLessThanOrEqual(capacity)
      }),
    )
  })
})
