import { describe, expect, test } from 'vitest'
import { clientKey } from '../../../../../connector/index/index-entry.ts'
import type { ErasureReading } from '../../../../../connector/pipeline/read/page-reading.ts'
import { building, keysOf } from '../../builders.ts'
import { noon, reading } from '../../readings.ts'
import { added, fullScan, marksOf, removal } from './full-scans.ts'

const erasure: ErasureReading = {
  kind: 'erasure',
  request: {
    kind: 'erase',
    id: 'r',
    client: '3',
    reason: 'letter',
    force: false,
    requestedAt: 1,
    requestedBy: 'operator',
  },
  at: noon,
}

/** Three clients, of whom two full scans did not return `3`. */
function withGone() {
  const built = building({ removal: removal() })
  added(built, reading([{ No: '1' }, { No: '2' }, { No: '3' }]))
  built.delivered()
  fullScan(built, ['1', '2'], 1, 3)
  fullScan(built, ['1', '2'], 2, 3)
  expect(marksOf(built, ['3'])).toEqual(['gone'])
  return built
}

function withRemoved() {
  const built = withGone()
  const key = clientKey('3')
  added(built, { kind: 'removal', clients: [{ clientId: '3', key, number: 2 }], at: noon })
  expect(built.delivered().removed).toBe(1)
  return built
}

function erase(built: ReturnType<typeof building>) {
  added(built, erasure)
  return built.delivered()
}

describe.each([
  ['gone', withGone],
  ['removed', withRemoved],
])('a client that was %s when it was erased', (_, begin) => {
  test('is published when it is back, whatever its content', () => {
    const built = begin()
    expect(erase(built).records).toMatchObject([{ key: '3', value: null }])
    expect(marksOf(built, ['3'])).toEqual(['erased-absent'])
    added(built, reading([{ No: '3' }]))
    const group = built.delivered()
    expect(keysOf(group.records)).toEqual(['3'])
    expect(group.changedSince).toHaveLength(1)
    expect(marksOf(built, ['3'])).toEqual(['none'])
  })

  test('is published when it is back after it was erased twice', () => {
    const built = begin()
    erase(built)
    erase(built)
    added(built, reading([{ No: '3' }]))
    expect(keysOf(built.delivered().records)).toEqual(['3'])
  })

  test('is not published by a page that was asked for before the erasure, but when it changes', () => {
    const built = begin()
    const askedAt = built.builder.events()
    erase(built)
    added(built, reading([{ No: '3' }], { askedAt }))
    expect(built.delivered().records).toEqual([])
    expect(marksOf(built, ['3'])).toEqual(['erased'])
    added(built, reading([{ No: '3' }]))
    expect(built.delivered().records).toEqual([])
    added(built, reading([{ No: '3', Nom: 'other' }]))
    expect(keysOf(built.delivered().records)).toEqual(['3'])
  })

  test('is not looked for by full scans', () => {
    const built = begin()
    erase(built)
    expect(fullScan(built, ['1', '2'], 3, 3)).toMatchObject({ clients: 2, missing: 0, gone: 0 })
  })
})

test('an erased client that was missing from one full scan only stays erased until it changes', () => {
  const built = building({ removal: removal() })
  added(built, reading([{ No: '1' }, { No: '3' }]))
  built.delivered()
  fullScan(built, ['1'], 1, 2)
  expect(marksOf(built, ['3'])).toEqual(['missing'])
  erase(built)
  added(built, reading([{ No: '3' }]))
  expect(built.delivered().records).toEqual([])
})
