import { describe, expect, it } from 'vitest'
import { checkDelivery, told } from './delivery-model.ts'
import {
  BASE,
  type Bounds,
  withExpiry,
  withLostNotes,
  withMishaps,
  withOperator,
  wrongPlacement,
} from './model-bounds.ts'

/** `npm run model -- --help` goes further. */
const cases: (Partial<Bounds> & { name: string; situations: number })[] = [
  { name: 'two replicas, three openings', situations: 22_659 },
  { name: 'three replicas', replicas: 3, situations: 94_139 },
  { name: 'four openings, three PUTs under way', openings: 4, puts: 3, situations: 136_578 },
  { name: 'pages without events', pages: ['events', 'none', 'events'], situations: 49_913 },
  { name: 'two pages in a transaction, or one', group: 2, situations: 36_594 },
  { name: 'placement that is wrong for a while', moves: 4, situations: 160_879 },
  {
    name: 'the same with three replicas',
    ...wrongPlacement,
    replicas: 3,
    puts: 1,
    pages: ['events'],
    situations: 111_627,
  },
  { name: 'an operator who sets the stream back', ...withOperator, situations: 107_372 },
  { name: 'an operator who sets the stream forward', ...withOperator, set: 1, situations: 100_554 },
  { name: 'notes that expire, clocks an hour apart', ...withExpiry, situations: 80_720 },
  { name: 'ends of notes that Kafka loses', ...withLostNotes, situations: 100_623 },
  { name: 'the same, and notes that expire', ...withExpiry, lostNotes: 1, situations: 237_255 },
  { name: 'a document deleted or put back, one replica', ...withMishaps, situations: 192_401 },
  { name: 'a document deleted or put back, two replicas', openings: 2, puts: 1, mishaps: 2, situations: 73_287 },
]

/** Steps without which a check would prove little. */
function mustHappenIn({ replicas, puts, moves, hours, mishaps, lostNotes, group }: Bounds): string[] {
  const each = ['crashes, or gives up', 'waits no longer for its PUT', 'Kafka times the transaction out']
  const claims = ['new', 'committed', 'pending'].map((truth) => `reads the note and claims: ${truth}`)
  const ofSeveral = ['finds a conflict: starts over', 'finds the document moved: starts over']
  return [
    ...each,
    ...claims,
    ...(replicas > 1 ? [...ofSeveral, 'is told that it was taken over', 'finds its PUT stored'] : []),
    ...(puts > 1 ? ['sends its PUT again'] : []),
    ...(moves > 0 ? ['is assigned the stream', 'is told that the stream is elsewhere'] : []),
    ...(hours > 0 ? ['Kafka forgets the note'] : []),
    ...(mishaps > 0 ? ['the document is deleted', 'the backup is put back'] : []),
    ...(lostNotes > 0 ? ['finds the document as it was', 'gives Kafka the right note'] : []),
    ...(group > 1 ? ['the end of pages 0 to 1 arrives'] : []),
  ]
}

describe('every interleaving of openings, PUTs, ends, crashes, late and lost answers', () => {
  it.each(cases)(
    'Invariants 2, 3, 4: every page is seen once and in order, nobody stops falsely, everybody can go on: $name ($situations situations)',
    ({ name, situations, ...given }) => {
      const bounds = { ...BASE, ...given }
      const verdict = checkDelivery(bounds)
      expect(verdict.fault, told(verdict)).toBeUndefined()
      expect(verdict.situations).toBe(situations)
      expect(verdict.complete).toBeGreaterThan(0)
      expect([...verdict.happened]).toEqual(expect.arrayContaining(mustHappenIn(bounds)))
      // Where nobody can know any more what holds; everywhere else a stop is a fault.
      expect(verdict.stopped > 0).toBe(bounds.hours > 0 || bounds.mishaps > 0)
    },
  )

  it('an operator sets a stream of which nobody knows any more what holds, and it goes on from there', () => {
    const verdict = checkDelivery({ ...withOperator, openings: 1, puts: 1, hours: 2 })
    expect(verdict.fault, told(verdict)).toBeUndefined()
    expect([...verdict.happened]).toContain('reads the note and sets the stream: stop')
  })
})
