import { describe, expect, test } from 'vitest'
import { BASE, type Bounds, SMALL } from './bounds.ts'
import { checkDelivery, reportOf } from './delivery-model.ts'

// Every interleaving of replicas, operators and faults within small bounds is visited.

const PAIR: Bounds = { ...SMALL, replicas: 2 }
const rewind = { kind: 'rewind', to: 0, republish: false, yes: false } as const
const republish = { ...rewind, republish: true } as const
const pause = { kind: 'pause' } as const
const resume = { kind: 'resume' } as const
const erase = { kind: 'erase' } as const
const stored = 'the PUT of the wishes arrives'

/** `steps` must occur, or the check proves little. For larger bounds: `npm run model -- --help`. */
const cases: { name: string; bounds: Bounds; steps: string[]; holds?: true }[] = [
  {
    name: 'two replicas, three openings',
    bounds: BASE,
    steps: [
      'crashes or gives up',
      'stops waiting for its PUT',
      'the transaction times out',
      'sends its PUT again',
      'claims: new',
      'claims: committed',
      'claims: pending',
      'finds that it is fenced',
      'finds its PUT stored',
      'finds a conflict: starts over',
      'finds the document changed: starts over',
    ],
  },
  { name: 'three replicas', bounds: { ...BASE, replicas: 3, puts: 1 }, steps: ['claims: pending'] },
  {
    name: 'pages without events, several pages in a transaction',
    bounds: { ...BASE, pages: ['events', 'none', 'events'], group: 2, puts: 1 },
    steps: ['reads page 1: nothing to publish', 'prepares up to page 2'],
  },
  {
    name: 'commit records that expire, clocks half a day apart',
    bounds: { ...PAIR, halfDays: 3 },
    steps: ['the commit record expires'],
    holds: true,
  },
  {
    name: 'commit records that expire and an unstable one',
    bounds: { ...SMALL, pages: BASE.pages, lostMarkers: 1, halfDays: 3 },
    steps: ['the commit record expires', 'the commit arrives, a marker is lost (record)'],
    holds: true,
  },
  {
    name: 'markers that Kafka loses',
    bounds: { ...BASE, puts: 1, lostMarkers: 1 },
    steps: ['completes what hangs', 'the commit arrives, a marker is lost (record)'],
    holds: true,
  },
  {
    name: 'markers that Kafka loses again',
    bounds: { ...BASE, replicas: 1, puts: 1, lostMarkers: 2 },
    steps: ['repairs, but a marker is lost again'],
    holds: true,
  },
  {
    name: 'a deleted group or topic',
    bounds: { ...BASE, puts: 1, deletions: 1 },
    steps: ['the group is deleted', 'the topic is deleted and created again'],
    holds: true,
  },
  {
    name: 'a document deleted or restored, one replica',
    bounds: { ...BASE, replicas: 1, puts: 1, documentFaults: 2 },
    steps: ['the document is deleted', 'the backup is restored'],
    holds: true,
  },
  {
    name: 'a document deleted or restored, two replicas',
    bounds: { ...PAIR, pages: BASE.pages, documentFaults: 1 },
    steps: ['the document is deleted', 'the backup is restored'],
    holds: true,
  },
  {
    name: 'a pause',
    bounds: { ...PAIR, openings: 3, commands: [pause] },
    steps: ['finds the stream paused', 'saves and leaves', 'pause: reports that the stream is paused'],
  },
  {
    name: 'a pause and its end',
    bounds: { ...SMALL, pages: BASE.pages, commands: [pause, resume] },
    steps: ['resume: finds other wishes: reads and tries again', 'finds the stream paused'],
  },
  {
    name: 'a rewind',
    bounds: { ...PAIR, commands: [rewind] },
    steps: [stored, 'clears the wish', 'reads page 0: nothing to publish'],
  },
  {
    name: 'a rewind of a paused stream',
    bounds: { ...SMALL, commands: [republish, pause] },
    steps: ['finds the stream paused', 'pause: finds other wishes: reads and tries again'],
  },
  {
    name: 'a rewind that may replace another one',
    bounds: { ...SMALL, commands: [republish, rewind] },
    steps: ['rewind: finds other wishes: reads and tries again'],
  },
  {
    name: 'a rewind that cures what is undecided',
    bounds: { ...SMALL, lostMarkers: 1, commands: [{ ...rewind, yes: true }] },
    steps: ['claims: hold, cured'],
    holds: true,
  },
  {
    name: 'a rewind that cures a lost or restored document',
    bounds: { ...SMALL, documentFaults: 1, commands: [{ ...republish, yes: true }] },
    steps: ['claims: hold, cured'],
    holds: true,
  },
  {
    name: 'a rewind that cures a lost topic',
    bounds: { ...SMALL, deletions: 1, commands: [{ ...republish, yes: true }] },
    steps: ['claims: hold, cured'],
    holds: true,
  },
  {
    name: 'an erasure',
    bounds: { ...PAIR, lostMarkers: 1, commands: [erase] },
    steps: ['erase: was fenced: not erased', 'erase: finds a hanging transaction: not erased'],
    holds: true,
  },
  {
    name: 'an erasure beside a rewind',
    bounds: { ...SMALL, commands: [erase, republish] },
    steps: ['erase: reports that the client is erased', 'clears the wish'],
  },
]

describe('in every interleaving of openings, PUTs, commits, commands, crashes, late and lost answers', () => {
  test.each(cases)(
    'Invariants 2, 3, 4: every page is seen once and in order, operators are obeyed, no replica holds without need: $name',
    ({ bounds, steps, holds = false }) => {
      const verdict = checkDelivery(bounds)
      expect(verdict.violation, reportOf(verdict)).toBeUndefined()
      expect(verdict.complete).toBeGreaterThan(0)
      expect([...verdict.stepKinds]).toEqual(expect.arrayContaining(steps))
      // A replica may hold only where the valid state cannot be determined; anywhere else a hold is a violation.
      expect(verdict.held > 0).toBe(holds)
    },
  )
})
