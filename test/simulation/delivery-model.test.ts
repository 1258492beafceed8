import { describe, expect, it } from 'vitest'
import { BASE, checkDelivery, type Verdict } from './delivery-model.ts'
import { broken, ours, type Protocol } from './model-protocol.ts'
import type { Bounds } from './model-world.ts'

/** Widens every check, to be run alone: `npm run model -- --help` has more. */
const MORE_OPENINGS = Number(process.env.MODEL_MORE_OPENINGS ?? 0)

const withOperator: Bounds = { ...BASE, openings: 2, set: 0 }
const withExpiry: Bounds = { ...BASE, openings: 2, puts: 1, hours: 2 }
/** Only what readers see. */
const forReaders: Bounds = { ...BASE, falseStops: 'pass' }

const cases: (Partial<Bounds> & { name: string })[] = [
  { name: 'two replicas, three openings', ...BASE },
  { name: 'three replicas', replicas: 3 },
  { name: 'four openings, three PUTs under way', openings: 4, puts: 3 },
  { name: 'pages without events', pages: ['events', 'none', 'events'] },
  { name: 'an operator who sets the stream back', ...withOperator },
  { name: 'an operator who sets the stream forward', ...withOperator, set: 1 },
  { name: 'notes that expire, clocks an hour apart', ...withExpiry },
]

/** Steps without which a check would prove little. */
const mustHappen = [
  'crashes, or gives up',
  'waits no longer for its PUT',
  'finds its PUT stored',
  'finds a conflict: starts over',
  'finds the document moved: starts over',
  'is told that it was taken over',
  'Kafka times the transaction out',
  'reads the note and claims: new',
  'reads the note and claims: committed',
  'reads the note and claims: pending',
]

describe('every interleaving of openings, PUTs, ends, crashes, late and lost answers', () => {
  it.each(cases)(
    'Invariants 2, 3, 4: readers see every page once and in order, nobody stops falsely: $name',
    (given) => {
      const { name, ...bounds } = { ...BASE, ...given, openings: (given.openings ?? BASE.openings) + MORE_OPENINGS }
      const verdict = checkDelivery(bounds)
      expect(verdict.fault, told(verdict)).toBeUndefined()
      expect(verdict.situations).toBeGreaterThan(20_000)
      expect(verdict.complete).toBeGreaterThan(0)
      expect([...verdict.happened]).toEqual(expect.arrayContaining(mustHappen))
      if (bounds.puts > 1) expect([...verdict.happened]).toContain('sends its PUT again')
      if (bounds.hours === 0) {
        expect(verdict.stopped).toBe(0)
        return
      }
      // Where nobody can know any more whether a transaction was decided; everywhere else a stop is a fault.
      expect(verdict.stopped).toBeGreaterThan(0)
      expect([...verdict.happened]).toContain('Kafka forgets the note')
    },
  )

  it('an operator sets a stream of which nobody knows any more what holds, and it goes on from there', () => {
    const verdict = checkDelivery({ ...withOperator, openings: 1, puts: 1, hours: 2 })
    expect(verdict.fault, told(verdict)).toBeUndefined()
    expect([...verdict.happened]).toContain('reads the note and sets the stream: stop')
  })
})

const doubled = /^readers see page 0 instead of/
const falseStop = 'a replica stops falsely'

/** Where each is caught, and by what. */
const caught: Record<keyof typeof broken, [Bounds, string | RegExp]> = {
  'no fencing': [forReaders, doubled],
  'no conditional PUT': [BASE, falseStop],
  'no prepare': [BASE, falseStop],
  'document read after InitProducerId': [BASE, falseStop],
  'note read before InitProducerId': [forReaders, doubled],
  'claim not conditional on the version read first': [BASE, falseStop],
  'stop without reading the document again': [BASE, falseStop],
  'committed taken although the note is that of pending': [forReaders, doubled],
  'notes taken to be kept for ever': [withExpiry, falseStop],
  'committed taken whenever there is no note': [withExpiry, doubled],
  'no margin for clocks that differ': [withExpiry, falseStop],
  'a note expected of a state that an operator set': [withOperator, falseStop],
}

describe('what is broken on purpose', () => {
  it.each(entriesOf(caught))('is caught: %s', (name, [bounds, fault]) => {
    const verdict = checkDelivery(bounds, protocolOf(name))
    expect(verdict.fault, told(verdict)).toMatch(fault)
  })

  it.each([
    'no conditional PUT',
    'document read after InitProducerId',
    'claim not conditional on the version read first',
  ] as const)('lets an operator be overruled: %s', (name) => {
    const verdict = checkDelivery({ ...withOperator, set: 1 }, protocolOf(name))
    expect(verdict.fault, told(verdict)).toBe('readers see page 0 instead of page 1')
  })

  it('a replica that stalls between InitProducerId and the document overwrites what its successor prepared', () => {
    const { trace } = checkDelivery(BASE, protocolOf('document read after InitProducerId'))
    const steps = trace.map((line) => line.replace(/ *\|.*/, ''))
    const schedule = [
      'replica 1 fences the others',
      'replica 2 fences the others',
      'replica 2 prepares page 0',
      'replica 1 reads the document',
      'replica 1 reads the note and claims: committed',
      'replica 2 ends page 0',
      'the end of page 0 arrives',
      'replica 1 stops',
    ]
    expect(steps.filter((step) => schedule.includes(step)).slice(0, 7)).toEqual(schedule.slice(0, 7))
    expect(steps.at(-1)).toBe('replica 1 stops')
  })
})

function protocolOf(name: keyof typeof broken): Protocol {
  return { ...ours, ...broken[name] }
}

function entriesOf<Key extends string, Value>(record: Record<Key, Value>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][]
}

/** What a failure shows: the shortest way to the fault. */
function told({ fault, trace, situations }: Verdict): string {
  return [`${fault ?? 'no fault'} (${situations} situations)`, ...trace].join('\n')
}
