import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultsOf } from './check-history.ts'
import { histories } from './histories.ts'
import { type History, runHistory } from './history.ts'
import type { SimulatedStream } from './simulated-stream.ts'

const sample = fc.sample(histories.everyday, { numRuns: 80, seed: 7 })
const all: History[] = []
for (const options of sample) all.push(await runHistory(options))

/** Of a good history: with takeovers, and several documents, reads and records of its first stream. */
function good(): History {
  const found = all.find(({ options, streams }) => {
    const [first] = streams
    return options.affliction === 'none' && new Set(first?.reads.map(({ replica }) => replica)).size > 1
  })
  if (found === undefined) throw new Error('no history like that')
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
const others = (history: History) => history.records.filter(({ stream }) => stream !== first(history).name)

/** Each spoils one thing that one check must see. */
const spoiled: [name: string, spoil: (history: History) => History, seen: RegExp][] = [
  [
    'Invariant 1: the last change of a client is missing',
    (history) => {
      const [last] = ofFirst(history).slice(-1)
      return {
        ...history,
        records: history.records.filter(({ key, stream }) => key !== last?.key || stream !== last?.stream),
      }
    },
    /the last change .* is lost/,
  ],
  [
    'Invariant 1: the checkpoint passed a page before it was in the topic',
    (history) =>
      withStream(history, { documents: first(history).documents.map((one) => ({ ...one, recordsBefore: 0 })) }),
    /a page is done, up to .*, although its clients are not in the topic/,
  ],
  [
    'Invariant 2: an event is there twice',
    (history) => ({ ...history, records: [...history.records, ...ofFirst(history).slice(0, 1)] }),
    /is doubled or out of order/,
  ],
  [
    'Invariant 2: a number is left out',
    (history) => ({
      ...history,
      records: history.records.toSpliced(history.records.indexOf(ofFirst(history)[0] ?? fail()), 1),
    }),
    /event 0 has the sequence 0*1$/,
  ],
  [
    'Invariant 3: events of a client stand in another order',
    (history) => ({ ...history, records: [...others(history), ...ofFirst(history).toReversed()] }),
    /is doubled or out of order/,
  ],
  [
    'Invariant 4: who was fenced published',
    (history) => ({
      ...history,
      records: history.records.map((record) => ({ ...record, epochs: { own: 1, newest: 2 } })),
    }),
    /published .* although it was fenced/,
  ],
  [
    'Invariant 4: who was taken over wrote the checkpoint',
    (history) =>
      withStream(history, { documents: [...first(history).documents, ...first(history).documents.slice(0, 1)] }),
    /was written by .*, who was taken over/,
  ],
  [
    'Invariant 4: the committed state goes back',
    (history) => withStream(history, { documents: first(history).documents.toReversed() }),
    /checkpoint \d+ goes back/,
  ],
  [
    'Invariant 4: somebody else wrote than who claimed',
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
    'Invariant 5: a checkPoint came from nowhere',
    (history) => withStream(history, { reads: first(history).reads.map(({ replica, at }) => ({ replica, at })) }),
    /which did not come with it/,
  ],
  [
    'Invariant 7: a change has two ids',
    (history) => {
      const { sent } = first(history)
      const again = sent.map((record) => ({ ...record, value: record.value.replace(/"id":"/, '"id":"0') }))
      const twice = again.concat(
        again.map((record) => ({ ...record, value: record.value.replace(/"id":"/, '"id":"1') })),
      )
      return withStream(history, { sent: [...sent, ...twice, ...twice] })
    },
    /has the ids/,
  ],
  [
    'an event of another stream',
    (history) => ({
      ...history,
      records: history.records.map((record) => ({
        ...record,
        value: record.value.replace(/clients-\d v/, 'clients-9 v'),
      })),
    }),
    /it published clients-9 v\d+ of/,
  ],
  [
    'an open transaction',
    (history) => ({ ...history, openTransactions: [`shop.${first(history).name}`] }),
    /a transaction was left open/,
  ],
]

const fail = (): never => {
  throw new Error('no record')
}

describe('the checks see in a history', () => {
  it('nothing, when it is as it was', () => {
    expect(faultsOf(good())).toEqual([])
  })

  it.each(spoiled)('%s', (_name, spoil, seen) => {
    expect(faultsOf(spoil(good()))).toEqual(expect.arrayContaining([expect.stringMatching(seen)]))
  })
})

describe('the histories', () => {
  it('bring about whatever the product tells of when something goes wrong', () => {
    const happened = new Set(all.flatMap((history) => [...history.happened]))
    expect([...happened]).toEqual(
      expect.arrayContaining([
        ...['stream-claimed', 'taken-over', 'stream-lost', 'stream-contested', 'stream-let-go', 'stream-retrying'],
        ...['assignment-changed', 'session-closed', 'checkpoint-refused', 'stream-ended', 'stream-stopped'],
      ]),
    )
  })
})
