import { describe, expect, it } from 'vitest'
import { checkSegments } from './segments-model.ts'
import { type Bounds, designed, type Protocol } from './segments-world.ts'

const BASE: Bounds = { replicas: 2, openings: 3, segments: 3, listings: 1 }

describe('in every interleaving of openings, uploads, documents, deletions and listings, late or lost', () => {
  it.each([
    ['merges', BASE, 'replica uploads a merge'],
    ['two listings', { ...BASE, segments: 2, listings: 2 }, 'replica removes orphans'],
  ])('the document names only segments that exist: %s', (_name, bounds, step) => {
    const { violation, trace, stepKinds } = checkSegments(bounds)
    expect(violation, trace.join('\n')).toBeUndefined()
    expect([...stepKinds]).toEqual(
      expect.arrayContaining([step, 'the removal of arrives', 'replica lists the segments']),
    )
  })
})

it('segments could be loaded after the claim as well', () => {
  const { violation, trace } = checkSegments({ ...BASE, segments: 2 }, { ...designed, load: 'after the claim' })
  expect(violation, trace.join('\n')).toBeUndefined()
})

const missing = 'the document names a segment that does not exist'

/** Defects by name, and the violation that each causes. */
const defects: Record<string, [Partial<Protocol>, string]> = {
  'names that a later upload of the same claim uses again': [{ names: 'epoch and place' }, missing],
  'names that a later claim uses again': [{ names: 'place' }, missing],
  'a segment deleted before the document without it is written': [{ removal: 'when the document is sent' }, missing],
  'a replaced replica that deletes what its successor has uploaded': [{ orphans: 'of all epochs' }, missing],
  'a listing that deletes all that the last document does not name': [
    { orphans: 'whatever the document does not name' },
    missing,
  ],
  'a replica that stops although the document has changed': [
    { missing: 'stops at once' },
    'a replica stops without need',
  ],
}

describe('a defect', () => {
  it.each(Object.entries(defects))('is found: %s', (_name, [change, expected]) => {
    const { violation } = checkSegments(BASE, { ...designed, ...change })
    expect(violation).toBe(expected)
  })
})
