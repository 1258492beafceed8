import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import { choiceOf } from './actions.ts'
import { violationsOf } from './check-history.ts'
import { evidenceOf, numberOf } from './evidence.ts'
import { histories } from './histories.ts'
import { type History, runHistory } from './history.ts'
import { curedAt, type SimulatedStream } from './simulated-stream.ts'

/** Of the values that are tampered with. */
const eventMode = 'structured'
const sample = fc.sample(histories.everyday, { numRuns: 200, seed: 3 })
const all: History[] = []
for (const options of sample) all.push(await runHistory({ ...options, eventMode }))

const ofLongScans: History[] = []
for (const options of fc.sample(histories['long-scans'], { numRuns: 20, seed: 1 }))
  ofLongScans.push(await runHistory({ ...options, eventMode }))

/** Two replicas are assigned the same stream, and go on. */
const answers = Array.from({ length: 8 }, () => choiceOf('answer', 0))
const twoOwners = [
  choiceOf('misassign', 3),
  ...Array.from({ length: 120 }, () => [...answers, choiceOf('tick', 0)]).flat(),
]
const ofContention: History[] = []
for (const options of fc.sample(histories.everyday, { numRuns: 1, seed: 1 }))
  ofContention.push(
    await runHistory({ ...options, eventMode, permanentFault: 'none', replicas: 2, streams: 1, choices: twoOwners }),
  )

/**
 * A correct history, in which several replicas ran the first stream, clients were published again, and one was erased. No rewind has
 * cured the stream, after which fewer checks apply.
 */
function correct(): History {
  const found = all.find((history) => {
    const [first] = history.streams
    if (first === undefined || curedAt(first) !== undefined || history.options.permanentFault !== 'none') return false
    const { records, generations } = evidenceOf(history, first)
    const isMarked = records.some(({ event }) => event.republished !== undefined)
    const isErased = history.erasures.some((one) => one.isErased && one.stream === first.name)
    return (
      generations.length === 1 && isMarked && isErased && new Set(first.reads.map(({ replica }) => replica)).size > 1
    )
  })
  if (found === undefined) throw new Error('no such history')
  return found
}

const first = ({ streams }: History): SimulatedStream => {
  const [stream] = streams
  if (stream === undefined) throw new Error('no stream')
  return stream
}

const withStream = (history: History, change: Partial<SimulatedStream>): History => ({
  ...history,
  streams: [{ ...first(history), ...change }, ...history.streams.slice(1)],
})

const ofFirst = (history: History) => history.records.filter(({ stream }) => stream === first(history).name)

/** Changes the headers of one event of the first stream. */
function withHeaders(history: History, at: number, change: (record: FakeRecord) => FakeRecord['headers']): History {
  const changed = ofFirst(history)
    .filter(({ to, value }) => to === 'events' && value?.includes('client.modified'))
    .at(at)
  const records = history.records.map((one) => (one === changed ? { ...one, headers: change(one) } : one))
  return { ...history, records }
}

/** Each changes one thing that one check must find; `defects.test.ts` has more. */
const tampered: [name: string, tamper: (history: History) => History, violation: RegExp][] = [
  [
    'an event of the history that is marked as a later one',
    (history) => withHeaders(history, 0, ({ headers }) => ({ ...headers, ce_historycomplete: 'true' })),
    /event \d+ is marked before the end of the history/,
  ],
  [
    'an event after the history without its mark',
    (history) => withHeaders(history, -1, ({ headers: { ce_historycomplete: _, ...headers } }) => headers),
    /is not marked after the end of the history/,
  ],
  [
    'Invariant 2: a missing sequence number',
    (history) => ({
      ...history,
      records: history.records.filter((record) => record !== ofFirst(history).find((one) => numberOf(one) === 0)),
    }),
    /event 0 has sequence 0*1$/,
  ],
  [
    'Invariant 4: a committed state that goes back',
    (history) => withStream(history, { documents: first(history).documents.toReversed() }),
    /the committed state of checkpoint \d+ goes back/,
  ],
  [
    'Invariant 4: a checkpoint written by another replica than the owner of its claim',
    (history) => {
      const documents = first(history).documents.map((one) => ({
        ...one,
        text: one.text.replace(/"nonce":"replica-\d+/, '"nonce":"replica-99'),
      }))
      return withStream(history, { documents })
    },
    /checkpoint 0 of .* was written by replica-99/,
  ],
  [
    'an index that lacks a client',
    (history) => ({ ...history, segments: new Map([...history.segments].map(([key]) => [key, new Map()])) }),
    /segment .* is missing or damaged/,
  ],
  [
    'a client that is not published again',
    (history) => {
      const { records, generations } = evidenceOf(history, first(history))
      const { changes } = first(history).polaris
      const isLate = (client: string) => changes.some(({ clientId, lateMs }) => clientId === client && lateMs > 0)
      const again = records.find(({ at, event }) => at >= (generations.at(-1) ?? 0) && !isLate(event.subject))
      const isKept = ({ key }: FakeRecord, at: number) => key !== again?.key || at < (generations.at(-1) ?? 0)
      return { ...history, records: history.records.filter(isKept) }
    },
    /is not published again/,
  ],
  [
    'a rewind that is applied twice',
    (history) => {
      const { documents } = first(history)
      const again = documents.map((one) => ({
        ...one,
        text: one.text.replace(/"rewound":"[^"]*"/, '"rewound":"other"'),
      }))
      return withStream(history, { documents: [...documents, ...again, ...documents.slice(-1)] })
    },
    /rewind .* is applied twice/,
  ],
  [
    'an event that is published while the stream is reported as paused',
    (history) => withStream(history, { pauses: [{ from: 0, until: Number.POSITIVE_INFINITY }] }),
    /is published while the stream is reported as paused/,
  ],
  [
    'an erasure that was not carried out',
    (history) => ({ ...history, records: history.records.filter(({ value }) => value !== null) }),
    /is erased in 0 of 3 partitions/,
  ],
  [
    'a tombstone that nobody requested',
    (history) => ({ ...history, erasures: [] }),
    /has a tombstone that nobody requested/,
  ],
  [
    'an event that was sent before an erasure, and appears after it',
    (history) => ({
      ...history,
      records: [
        ...history.records.filter(({ value }) => value === null),
        ...history.records.filter(({ value }) => value !== null),
      ],
    }),
    /appears after its erasure/,
  ],
  [
    'an open transaction',
    (history) => ({ ...history, openTransactions: [`shop.${first(history).name}`] }),
    /a transaction is still open/,
  ],
]

describe('violationsOf', () => {
  it('finds nothing in a correct history', () => {
    expect(violationsOf(correct())).toEqual([])
  })

  it.each(tampered)('finds %s', (_name, tamper, violation) => {
    expect(violationsOf(tamper(correct()))).toEqual(expect.arrayContaining([expect.stringMatching(violation)]))
  })
})

describe('the histories', () => {
  it('make the connector report every kind of failure event', () => {
    const eventKinds = new Set([...all, ...ofLongScans, ...ofContention].flatMap((history) => [...history.eventKinds]))
    expect([...eventKinds]).toEqual(
      expect.arrayContaining([
        ...['stream-claimed', 'taken-over', 'stream-lost', 'running → waiting', 'stream-retrying'],
        ...[
          ...['assignment-changed', 'stream-paused', 'paused → opening', 'running → opening', 'client-erased'],
          'checkpoint-refused',
          'running → ended',
          ...['stream-held', 'stream-still-held', 'held → running'],
          'transactions-repaired',
          ...['segment-written', 'index-upkeep-failed', 'scan-backed-off', 'superseded', 'look-back events'],
        ],
      ]),
    )
  })
})
