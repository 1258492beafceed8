import { describe, expect, it } from 'vitest'
import {
  BASE,
  type Bounds,
  withDocumentFaults,
  withExpiry,
  withKafkaDeletions,
  withLostMarkers,
  withOperator,
  wrongPlacement,
} from './bounds.ts'
import { checkDelivery, reportOf } from './delivery-model.ts'

/** For larger bounds: `npm run model -- --help`. */
const cases: (Partial<Bounds> & { name: string; states: number })[] = [
  { name: 'two replicas, three openings', states: 22_659 },
  { name: 'three replicas', replicas: 3, states: 94_139 },
  { name: 'four openings, three PUTs in flight', openings: 4, puts: 3, states: 136_578 },
  { name: 'pages without events', pages: ['events', 'none', 'events'], states: 49_913 },
  { name: 'one or two pages per transaction', group: 2, states: 36_594 },
  { name: 'temporarily wrong placement', assignmentChanges: 4, states: 160_879 },
  {
    name: 'temporarily wrong placement, three replicas',
    ...wrongPlacement,
    replicas: 3,
    puts: 1,
    pages: ['events'],
    states: 111_627,
  },
  { name: 'an operator who sets the stream back', ...withOperator, states: 107_372 },
  { name: 'an operator who sets the stream forward', ...withOperator, set: 1, states: 100_554 },
  { name: 'commit records that expire, clocks an hour apart', ...withExpiry, states: 86_344 },
  { name: 'markers that Kafka loses', ...withLostMarkers, states: 249_905 },
  {
    name: 'markers that Kafka loses, commit records that expire',
    ...withExpiry,
    lostMarkers: 1,
    pages: ['events'],
    states: 100_533,
  },
  { name: 'a deleted group or topic', ...withKafkaDeletions, states: 102_357 },
  { name: 'two deletions of group or topic', ...withKafkaDeletions, kafkaDeletions: 2, openings: 2, states: 35_763 },
  { name: 'a document deleted or restored, one replica', ...withDocumentFaults, states: 192_401 },
  { name: 'a document deleted or restored, two replicas', openings: 2, puts: 1, documentFaults: 2, states: 73_287 },
]

/** Steps that must occur, or the check proves little. */
function requiredSteps({
  replicas,
  puts,
  assignmentChanges,
  hours,
  documentFaults,
  lostMarkers,
  kafkaDeletions,
  group,
}: Bounds): string[] {
  const each = ['crashes or gives up', 'stops waiting for its PUT', 'the transaction times out']
  const claims = ['new', 'committed', 'pending'].map((kind) => `reads the commit record and claims: ${kind}`)
  const conflicts = ['finds a conflict: starts over', 'finds the document changed: starts over']
  return [
    ...each,
    ...claims,
    ...(replicas > 1 ? [...conflicts, 'finds that it is fenced', 'finds its PUT stored'] : []),
    ...(puts > 1 ? ['sends its PUT again'] : []),
    ...(assignmentChanges > 0 ? ['is assigned the stream', 'loses its assignment'] : []),
    ...(hours > 0 ? ['the commit record expires'] : []),
    ...(documentFaults > 0 ? ['the document is deleted', 'the backup is restored'] : []),
    ...(lostMarkers > 0 ? ['finds the document unchanged', 'repairs the lost markers and claims: pending'] : []),
    ...(lostMarkers > 1 ? ['repairs, but a marker is lost again'] : []),
    ...(kafkaDeletions > 0
      ? ['the group is deleted', 'the topic is deleted', 'the topic is deleted and created again', 'finds no topic']
      : []),
    ...(group > 1 ? ['the commit of pages 0 to 1 arrives'] : []),
  ]
}

describe('in every interleaving of openings, PUTs, commits, crashes, late and lost responses', () => {
  it.each(cases)(
    'Invariants 2, 3, 4: every page is seen once and in order, no replica stops without need or gets stuck: $name ($states states)',
    ({ name, states, ...given }) => {
      const bounds = { ...BASE, ...given }
      const verdict = checkDelivery(bounds)
      expect(verdict.violation, reportOf(verdict)).toBeUndefined()
      expect(verdict.states).toBe(states)
      expect(verdict.complete).toBeGreaterThan(0)
      expect([...verdict.stepKinds]).toEqual(expect.arrayContaining(requiredSteps(bounds)))
      // A replica may stop only where the valid state cannot be determined; anywhere else a stop is a violation.
      expect(verdict.stopped > 0).toBe(bounds.kafkaDeletions > 0 || bounds.documentFaults > 0)
    },
  )

  it('a held stream resumes from where an operator sets it', () => {
    const verdict = checkDelivery({
      ...withOperator,
      openings: 1,
      puts: 1,
      documentFaults: 2,
      falseStops: 'are ignored',
    })
    expect([...verdict.stepKinds]).toContain('reads the commit record and sets the stream: hold')
  })
})
