import { describe, expect, test } from 'vitest'
import { clientKey, UNKNOWN_CONTENT } from '../../../../../connector/index/index-entry.ts'
import { erase } from '../../../../../connector/pipeline/features/erase/erase.ts'
import { openErasures } from '../../../../support/fakes/open-erasures.ts'
import { building, keysOf } from '../../builders.ts'
import { reading } from '../../readings.ts'
import { added, fullScan, marksOf, removal } from './full-scans.ts'

const control = openErasures()
const features = () => [erase({ read: async () => ({ marks: [], open: [] }), update: async () => {} }), removal()]

/** Three clients, of whom two full scans did not return `3`. */
function withGone() {
  const built = building({ features: features(), requests: control.requests })
  added(built, reading([{ No: '1' }, { No: '2' }, { No: '3' }]))
  built.delivered()
  fullScan(built, ['1', '2'], 1, 3)
  fullScan(built, ['1', '2'], 2, 3)
  expect(marksOf(built, ['3'])).toEqual(['gone'])
  return built
}

function withRemoved() {
  const built = withGone()
  const known = built.table.get(clientKey('3'))
  if (known === undefined) throw new Error('the client is not known')
  built.table.set(clientKey('3'), { ...known, mark: 'withdrawn-gone', content: UNKNOWN_CONTENT })
  return built
}

/** Reads the request to erase client 3, and delivers its tombstone. */
async function erased(built: ReturnType<typeof building>) {
  control.erase('3')
  const [readings] = built.readings()
  const { value } = (await readings?.next()) ?? {}
  if (!value) throw new Error('nothing is read')
  added(built, value)
  return built.delivered()
}

describe.each([
  ['gone', withGone],
  ['removed', withRemoved],
])('a client that was %s when it was erased', (_, begin) => {
  test('is published when it is back, whatever its content', async () => {
    const built = begin()
    expect((await erased(built)).records).toMatchObject([{ key: '3', value: null }])
    expect(marksOf(built, ['3'])).toEqual(['withdrawn-absent'])
    added(built, reading([{ No: '3' }]))
    const group = built.delivered()
    expect(keysOf(group.records)).toEqual(['3'])
    expect(marksOf(built, ['3'])).toEqual(['none'])
  })

  test('is published when it is back after it was erased twice', async () => {
    const built = begin()
    await erased(built)
    await erased(built)
    added(built, reading([{ No: '3' }]))
    expect(keysOf(built.delivered().records)).toEqual(['3'])
  })

  test('is not published by a page that was asked for before the erasure, but when it changes', async () => {
    const built = begin()
    const askedAt = built.builder.events()
    await erased(built)
    added(built, reading([{ No: '3' }], { askedAt }))
    expect(built.delivered().records).toEqual([])
    expect(marksOf(built, ['3'])).toEqual(['withdrawn'])
    added(built, reading([{ No: '3' }]))
    expect(built.delivered().records).toEqual([])
    added(built, reading([{ No: '3', Nom: 'other' }]))
    expect(keysOf(built.delivered().records)).toEqual(['3'])
  })

  test('is not looked for by full scans', async () => {
    const built = begin()
    await erased(built)
    expect(fullScan(built, ['1', '2'], 3, 3)).toMatchObject({ clients: 2, missing: 0, gone: 0 })
  })
})

test('an erased client that was missing from one full scan only stays erased until it changes', async () => {
  const built = building({ features: features(), requests: control.requests })
  added(built, reading([{ No: '1' }, { No: '3' }]))
  built.delivered()
  fullScan(built, ['1'], 1, 2)
  expect(marksOf(built, ['3'])).toEqual(['missing'])
  await erased(built)
  added(built, reading([{ No: '3' }]))
  expect(built.delivered().records).toEqual([])
})
