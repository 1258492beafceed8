import { describe, expect, test } from 'vitest'
import { serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import {
  changeWishes,
  documentIdOf,
  noWishes,
  parseWishes,
  type Rewind,
  streamWishes,
  type Wishes,
  type WishesEvent,
  waitingRewind,
  wishesText,
} from '../../../connector/checkpoint/wishes.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import type { VersionedObject } from '../../../connector/storage/checkpoint-store.ts'
import { type MemoryStoreOptions, memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { never } from '../../support/signals.ts'
import { documentWith } from './documents.ts'

// A command and a replica share a store in memory.

const KEY = 'shop/clients.wishes.json'
const rewind: Rewind = {
  id: 'rewind',
  to: '2026-01-31T08:00:00' as SourceTime,
  republish: true,
  confirmedDocument: 'none',
}
const wishes: Wishes = { id: 'w', paused: true, rewind, reason: 'why', by: 'operator', at: 7 }

/** The wishes of one stream: as a command changes them, and as a replica reads them. */
function setUp(options: MemoryStoreOptions = {}, wrap = (object: VersionedObject) => object) {
  const store = memoryStore(options)
  const events: WishesEvent[] = []
  let nonces = 0
  const object = wrap(store.object(KEY))
  const newNonce = () => `n${++nonces}`
  let resumes = 0
  const onResume = () => {
    resumes += 1
  }
  return {
    store,
    events,
    replica: streamWishes({ object, newNonce, onResume }, (event) => events.push(event)),
    change: (wanted: Partial<Wishes>) =>
      changeWishes({ object, newNonce, storeReady: store.probe }, () => wanted, never),
    resumes: () => resumes,
    write: (text: string | undefined) => store.tamper(KEY, text),
    stored: () => parseWishes(store.stored(KEY)?.text ?? ''),
  }
}

describe('the text of wishes', () => {
  test('is read as it was written', () => {
    for (const one of [noWishes, wishes]) expect(parseWishes(wishesText(one))).toEqual(one)
  })

  test.each([
    '',
    '{',
    'null',
    '{"paused":true}',
    JSON.stringify({ ...wishes, paused: 'yes' }),
    JSON.stringify({ ...wishes, rewind: { ...rewind, to: 'yesterday' } }),
  ])('is damaged: %s', (text) => {
    expect(parseWishes(text)).toBeUndefined()
  })
})

describe('a rewind', () => {
  test('waits until the document knows it as applied', () => {
    expect(waitingRewind({ appliedRewind: null }, wishes)).toBe(rewind)
    expect(waitingRewind({ appliedRewind: 'an earlier one' }, wishes)).toBe(rewind)
    expect(waitingRewind(undefined, wishes)).toBe(rewind)
    expect(waitingRewind({ appliedRewind: rewind.id }, wishes)).toBeUndefined()
    expect(waitingRewind({ appliedRewind: null }, noWishes)).toBeUndefined()
  })

  test('names the document that its operator has seen: by its nonce, as none, or by the hash of a damaged one', () => {
    const stored = (text: string) => documentIdOf({ text, version: 'v' as never })
    expect(documentIdOf(undefined)).toBe('none')
    expect(stored(serializeDocument(documentWith({})))).toBe('w')
    expect(stored('{')).toMatch(/^sha256:/)
    expect(stored('{')).not.toBe(stored('{{'))
  })
})

describe('a command', () => {
  test('changes only what it wants, under a new id, and says what was before', async () => {
    const { write, change, stored } = setUp()
    write(wishesText(wishes))
    expect(await change({ paused: false })).toEqual({ kind: 'written', before: wishes })
    expect(stored()).toEqual({ ...wishes, paused: false, id: 'n1' })
  })

  test('writes the first wishes, and replaces damaged ones', async () => {
    for (const text of [undefined, '{']) {
      const { write, change, stored } = setUp()
      write(text)
      expect(await change({ paused: true })).toEqual({ kind: 'written', before: noWishes })
      expect(stored()).toMatchObject({ paused: true, rewind: null })
    }
  })

  test('reads again and repeats its change when another process writes at the same time', async () => {
    let others = 2
    const { change, stored } = setUp({}, (object) => ({
      ...object,
      write: async (text, version, stop) => {
        const theirs = { ...wishes, id: `theirs ${others}` }
        if (others-- > 0) await object.write(wishesText(theirs), version, stop)
        return await object.write(text, version, stop)
      },
    }))
    expect((await change({ paused: false })).before.id).toBe('theirs 1')
    expect(stored()).toMatchObject({ paused: false, rewind })
  })
})

describe('a replica', () => {
  test('has no wishes before it has read them, and the last ones while the store does not answer', async () => {
    let fault: 'none' | 'before' = 'none'
    const { replica, write } = setUp({ fault: () => fault })
    expect(replica.current()).toBe(noWishes)
    write(wishesText(wishes))
    expect(await replica.read(never)).toEqual(wishes)
    fault = 'before'
    await expect(replica.read(never)).rejects.toMatchObject({ code: 'storage.unavailable' })
    expect(replica.current()).toEqual(wishes)
  })

  test('takes damaged wishes for none, and reports them once', async () => {
    const { replica, write, events } = setUp()
    write('{')
    for (const _ of [1, 2, 3]) expect(await replica.read(never)).toEqual(noWishes)
    expect(events).toEqual([{ kind: 'wishes-damaged' }])
    write('{{')
    await replica.read(never)
    expect(events).toHaveLength(2)
  })

  test('notices each resume once, also of a stream that was not paused, and nothing else', async () => {
    const { replica, write, change, resumes } = setUp()
    const noticed = async (wanted: Partial<Wishes>) => {
      const before = resumes()
      await change(wanted)
      for (const _ of [1, 2]) await replica.read(never)
      return resumes() - before
    }
    expect(await noticed({ paused: false, at: 1 })).toBe(1)
    expect(await noticed({ paused: false, at: 2 })).toBe(1)
    expect(await noticed({ rewind })).toBe(0)
    await replica.clear(rewind.id, never)
    expect(await noticed({ paused: true, at: 3 })).toBe(0)
    expect(await noticed({ paused: false, at: 4 })).toBe(1)
    write('{')
    expect(await replica.read(never)).toEqual(noWishes)
    expect(await noticed({ rewind })).toBe(0)
  })

  test('clears a rewind that was applied, and keeps a pause', async () => {
    const { replica, write, stored } = setUp()
    write(wishesText(wishes))
    await replica.read(never)
    await replica.clear(rewind.id, never)
    expect(stored()).toEqual({ ...wishes, id: 'n1', rewind: null })
    expect(replica.current()).toEqual(stored())
  })

  test('clears nothing that another process has written since it was read', async () => {
    const { replica, write, stored } = setUp()
    write(wishesText(wishes))
    await replica.read(never)
    const later = { ...wishes, id: 'later', rewind: { ...rewind, id: 'another' } }
    write(wishesText(later))
    await replica.clear(rewind.id, never)
    expect(stored()).toEqual(later)
  })
})
