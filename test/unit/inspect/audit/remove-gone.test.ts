import { describe, expect, test } from 'vitest'
import { noWishes, parseWishes, type Rewind, type Wishes, wishesText } from '../../../../connector/checkpoint/wishes.ts'
import { removeGone } from '../../../../connector/inspect/audit/remove-gone.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { type MemoryFault, memoryStore } from '../../../support/fakes/memory-versioned-object.ts'
import { never } from '../../../support/signals.ts'

// Others act on the stored wishes at the moment when the erasure begins.

const KEY = 'shop/clients.wishes.json'
const rewind: Omit<Rewind, 'id'> = { to: null, republish: true, confirmedDocument: null, clients: ['AAAAAAAAAAA'] }

/** A removal, and what others do `meanwhile`: when the erasure is about to begin. */
function removing(meanwhile: (on: Meanwhile) => void | Promise<void> = () => {}) {
  let appliedRewind: string | null = null
  let fault: MemoryFault = 'none'
  const store = memoryStore({ fault: () => fault })
  const steps: string[] = []
  const stored = () => parseWishes(store.stored(KEY)?.text ?? '')
  const on: Meanwhile = {
    apply: () => {
      appliedRewind = stored()?.rewind?.id ?? null
    },
    wish: (wishes) => store.tamper(KEY, wishesText({ ...noWishes, id: 'theirs', ...wishes })),
    fail: () => {
      fault = 'before'
    },
  }
  let nonces = 0
  const parts = {
    object: store.object(KEY),
    storeReady: store.probe,
    newNonce: () => `n${++nonces}`,
    readAppliedRewind: async () => appliedRewind,
    erase: async () => {
      steps.push(`erased, rewind ${stored()?.rewind?.id}`)
      await meanwhile(on)
      return 'erased'
    },
  }
  return { on, steps, stored, remove: (stop = never) => removeGone(parts, rewind, stop) }
}

interface Meanwhile {
  /** A replica applies the rewind that is stored, and does not clear it. */
  readonly apply: () => void
  readonly wish: (wishes: Partial<Wishes>) => void
  readonly fail: () => void
}

const theirs = { ...rewind, id: 'theirs' }

describe('a removal stores its rewind, erases, and stores it again with a new id', () => {
  test.each(['applied', 'waiting'])('when the first one is %s by then', async (what) => {
    const { remove, steps, stored } = removing((on) => (what === 'applied' ? on.apply() : undefined))
    expect(await remove()).toEqual({ kind: 'done', text: 'erased' })
    expect(steps).toEqual(['erased, rewind n1'])
    expect(stored()?.rewind).toEqual({ ...rewind, id: 'n3' })
  })

  test('when one that was applied was not cleared', async () => {
    const { remove, on } = removing()
    on.wish({ rewind: theirs })
    on.apply()
    expect(await remove()).toMatchObject({ kind: 'done' })
  })
})

test('a removal changes nothing while a rewind waits', async () => {
  const { remove, on, steps, stored } = removing()
  on.wish({ rewind: theirs })
  expect(await remove()).toMatchObject({ kind: 'unchanged' })
  expect([steps, stored()?.rewind]).toEqual([[], theirs])
})

test('the rewind of a removal whose erasure fails stays', async () => {
  const failed = new ConnectorError('publish.outcome-unknown', 'lost')
  const { remove, stored } = removing(() => Promise.reject(failed))
  await expect(remove()).rejects.toBe(failed)
  expect(stored()?.rewind).toEqual({ ...rewind, id: 'n1' })
})

describe('a removal says that it is unfinished', () => {
  test('and keeps the rewind of somebody else that waits by then', async () => {
    const { remove, stored } = removing(({ wish }) => wish({ rewind: theirs }))
    expect(await remove()).toMatchObject({
      kind: 'unfinished',
      text: ['erased', expect.stringContaining('another rewind waits')],
    })
    expect(stored()?.rewind).toEqual(theirs)
  })

  test('when the second rewind cannot be stored', async () => {
    expect(await removing(({ fail }) => fail()).remove()).toMatchObject({ kind: 'unfinished' })
  })

  test('when it is stopped after the erasure', async () => {
    const stopping = new AbortController()
    const { remove } = removing(() => stopping.abort())
    expect(await remove(stopping.signal)).toMatchObject({ kind: 'unfinished' })
  })
})
