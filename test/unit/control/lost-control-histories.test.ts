import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ControlDocument, noRequests } from '../../../connector/control/control-document.ts'
import { restored } from '../../../connector/control/lost-control.ts'
import { type Ending, lastOf, openRequests, pauseOf, recorded, requested } from '../../../connector/control/requests.ts'

const streams = ['paris', 'lyon'] as const
const replicas = [0, 1, 2] as const

const stream = fc.constantFrom(...streams)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('switch' as const), stream }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('republish' as const), stream }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('poll' as const), replica: fc.constantFrom(...replicas) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), replica: fc.constantFrom(...replicas) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose' as const), back: fc.nat(20) }) },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** The control object, and what each replica knows of it. */
function world() {
  const history: ControlDocument[] = [noRequests]
  const known: (ControlDocument | undefined)[] = replicas.map(() => undefined)
  const endings = replicas.map(() => new Map<string, Ending>())
  /** The last request of each stream to pause or resume it, as operators made them. */
  const wanted = new Map<string, 'pause' | 'resume'>()
  let stored: ControlDocument = noRequests
  let ids = 0
  const write = (document: ControlDocument) => {
    stored = { ...document, revision: document.revision + 1 }
    history.push(stored)
  }
  const request = (of: (typeof streams)[number], kind: 'switch' | 'republish') => {
    const id = String(++ids)
    const isPaused = pauseOf(stored, of) !== undefined
    const made =
      kind === 'republish'
        ? ({ kind, stream: of, from: null, wanted: { kind: 'clients', keys: [id] } } as const)
        : isPaused
          ? ({ kind: 'resume', stream: of } as const)
          : ({ kind: 'pause', stream: of, reason: 'r' } as const)
    const after = requested(stored, made, { id, by: 'operator', at: ids })
    if (after === undefined) return
    write(after)
    if (made.kind !== 'republish') wanted.set(of, made.kind)
  }
  /** As the watch does. True: it has written. */
  const poll = (replica: number) => {
    const found = restored(stored, { document: known[replica], checkpoints: new Map() })
    const after = recorded(found ?? stored, endings[replica] ?? new Map(), `replica-${replica}`) ?? found
    if (after !== undefined) write(after)
    known[replica] = stored
    return after !== undefined
  }
  const run = (one: Step) => {
    if (one.kind === 'switch' || one.kind === 'republish') request(one.stream, one.kind)
    else if (one.kind === 'poll') poll(one.replica)
    else if (one.kind === 'lose') {
      stored = history[history.length - 1 - (one.back % history.length)] ?? noRequests
      for (const name of streams) wanted.delete(name)
    } else {
      const document = known[one.replica]
      const open = document && streams.flatMap((name) => openRequests(document, name)).at(0)
      const last = document && lastOf(document, 'paris')
      for (const { id } of [open, last].filter((found) => found !== undefined)) endings[one.replica]?.set(id, { at: 1 })
    }
  }
  return { run, poll, wanted, isPaused: (of: string) => pauseOf(stored, of) !== undefined, stored: () => stored }
}

test('replicas agree on a control object that was lost, and on what operators requested since', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const { run, poll, wanted, isPaused } = world()
      for (const one of steps) run(one)
      for (let round = 0; round < 3; round += 1) for (const replica of replicas) poll(replica)
      expect(replicas.map(poll)).toEqual([false, false, false])
      for (const [name, kind] of wanted) expect(isPaused(name)).toBe(kind === 'pause')
    }),
    { numRuns: Number(process.env.RUNS ?? 1000) },
  )
})
