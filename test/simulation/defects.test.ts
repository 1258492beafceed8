import { describe, expect, test } from 'vitest'
import type { OutgoingRecord } from '../../connector/event/client-event.ts'
import { semaphore } from '../../connector/runtime/semaphore.ts'
import type { CheckPoint } from '../../connector/source/client-source.ts'
import type { SegmentStore } from '../../connector/storage/checkpoint-store.ts'
import type { StreamParts } from '../../connector/stream/run-stream.ts'
import { never } from '../support/signals.ts'
import type { Defects } from './defects.ts'
import { failureOf } from './histories.ts'

// Each defect is built in, and histories must find its violation.

type Of = Parameters<NonNullable<Defects['stream']>>[1]

const withSentRecords = (
  change: (records: readonly OutgoingRecord[], of: Of) => readonly OutgoingRecord[],
): Defects => ({
  stream: (parts, of) => {
    const { publisher } = parts.openParts
    const open: typeof publisher.open = async (how, stop) => {
      const producer = await publisher.open(how, stop)
      const begin: typeof producer.begin = (finish) => {
        const transaction = producer.begin(finish)
        return { ...transaction, send: (records) => transaction.send(change(records, of)) }
      }
      return { ...producer, begin }
    }
    return { ...parts, openParts: { ...parts.openParts, publisher: { ...publisher, open } } }
  },
})

type Source = StreamParts['pipelineParts']['readerParts']['source']

function withRead(parts: StreamParts, read: (source: Source) => Source['read']): StreamParts {
  const { pipelineParts } = parts
  return {
    ...parts,
    pipelineParts: {
      ...pipelineParts,
      readerParts: { ...pipelineParts.readerParts, source: { read: read(pipelineParts.readerParts.source) } },
    },
  }
}

const rewritten = (record: OutgoingRecord, from: RegExp, to: string): OutgoingRecord =>
  record.value === null ? record : { ...record, value: Buffer.from(record.value.toString().replace(from, to)) }

function ofFirstStream(record: OutgoingRecord): OutgoingRecord {
  const headers = Object.entries(record.headers).map(([name, text]) => [name, text.replace(/clients-2$/, 'clients-1')])
  return { ...rewritten(record, /clients-2"/, 'clients-1"'), headers: Object.fromEntries(headers) }
}

function firstCallOnly(onChange: (streams: ReadonlySet<string>) => void): typeof onChange {
  let isFirst = true
  return (streams) => {
    if (isFirst) onChange(streams)
    isFirst = false
  }
}

const oneAtATime = semaphore(1)

/** Deletes what a new segment may replace as soon as it is uploaded. */
const deletingTooEarly = (store: SegmentStore): SegmentStore => ({
  ...store,
  put: async (name, bytes, finish) => {
    const before = await store.list(finish)
    await store.put(name, bytes, finish)
    for (const one of before) if (one !== name) await store.remove(one, finish)
  },
})

/** Names segments by their claim epoch alone. */
function reusingNames(store: SegmentStore): SegmentStore {
  const short = (name: string) => name.replace(/-.*/, '')
  return {
    ...store,
    put: (name, bytes, finish) => store.put(short(name), bytes, finish),
    get: (name, finish) => store.get(short(name), finish),
    remove: (name, finish) => store.remove(short(name), finish),
  }
}

/** Defects by name, and the violation that each must cause. */
const cases: Record<string, { defects: Defects; violation: RegExp }> = {
  'a publisher that loses a record': {
    defects: withSentRecords((records) => records.slice(1)),
    violation: /the checkpoint is past a page of the .* scan/,
  },
  'a publisher that sends a record twice': {
    defects: withSentRecords((records) => [...records, ...records.slice(0, 1)]),
    violation: /is duplicated or out of order/,
  },
  'a publisher that reverses its records': {
    defects: withSentRecords((records) => records.toReversed()),
    violation: /follows event \d+ in its partition/,
  },
  'a Kafka that lets fenced producers publish': {
    defects: { fencing: 'off' },
    violation: /published .* after it was fenced/,
  },
  'a store that ignores conditions': {
    defects: { conditions: 'ignored' },
    violation: /after another replica claimed it/,
  },
  'a checkPoint that is not sent back verbatim': {
    defects: {
      stream: (parts) =>
        withRead(parts, (source) => (at, stop) => {
          const checkPoint = at.checkPoint === null ? null : (`${at.checkPoint} ` as CheckPoint)
          return source.read({ ...at, checkPoint }, stop)
        }),
    },
    violation: /sent .* with other arguments/,
  },
  'a stop that does not wait for the page in progress': {
    defects: { stream: (parts, { stop }) => ({ ...parts, pipelineParts: { ...parts.pipelineParts, giveUp: stop } }) },
    violation: /the page in progress was dropped/,
  },
  'a stop that does not save': {
    defects: {
      stream: (parts, { stop }) => {
        const { object } = parts.openParts
        const write: typeof object.write = async (text, expected, finish) =>
          stop.aborted && expected !== null
            ? { kind: 'written', version: expected }
            : object.write(text, expected, finish)
        return { ...parts, openParts: { ...parts.openParts, object: { ...object, write } } }
      },
    },
    violation: /the last page was not saved/,
  },
  'a stop that is ignored': {
    defects: { stream: (parts) => withRead(parts, (source) => (at) => source.read(at, never)) },
    violation: /has not stopped|took \d+ ms to stop/,
  },
  'ids that depend on the replica': {
    defects: withSentRecords((records, { replica }) =>
      records.map((record) => rewritten(record, /"id":"/, `"id":"${replica}`)),
    ),
    violation: /has several ids/,
  },
  'events that name another stream': {
    defects: withSentRecords((records) => records.map(ofFirstStream)),
    violation: /clients-2: published .* of .*clients-1/,
  },
  'a replica that ignores all but its first assignment': {
    defects: {
      placement: (placement) => ({
        ...placement,
        run: (onChange, stop) => placement.run(firstCallOnly(onChange), stop),
      }),
    },
    violation: /clients-\d runs on .*, is assigned to replica-\d+, 180000 ms after/,
  },
  'a segment that is deleted too early': {
    defects: { segments: deletingTooEarly },
    violation: /deletes segment .*, which the checkpoint names/,
  },
  'a segment whose name is used again': {
    defects: { segments: reusingNames },
    violation: /reuses the name of segment/,
  },
  'a stream that blocks the others': {
    defects: {
      stream: (parts) =>
        withRead(parts, (source) => async (at, stop) => {
          using _permit = await oneAtATime.acquire(stop)
          return await source.read(at, stop)
        }),
    },
    violation: /is not published, \d+ ms after the change/,
  },
}

describe('the histories find', () => {
  test.each(Object.entries(cases))('%s', async (_name, { defects, violation }) => {
    expect(await failureOf({ kind: 'everyday', defects, runs: 500, seed: 1, lookingFor: violation })).toMatch(violation)
  })
})
