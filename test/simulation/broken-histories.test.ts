import { describe, expect, it } from 'vitest'
import type { StreamParts } from '../../connector/pipeline/run-stream.ts'
import type { OutgoingRecord, PublisherSession } from '../../connector/publish/event-publisher.ts'
import { turns } from '../../connector/runtime/turns.ts'
import type { CheckPoint, ReadArguments } from '../../connector/source/client-source.ts'
import { failureOf, type Kind } from './histories.ts'
import type { Surgery } from './surgery.ts'

type Of = Parameters<NonNullable<Surgery['stream']>>[1]

const inSession = (change: (session: PublisherSession, of: Of) => PublisherSession): Surgery => ({
  stream: (parts, of) => {
    const { publisher } = parts.open
    return {
      ...parts,
      open: { ...parts.open, publisher: { open: async (stop) => change(await publisher.open(stop), of) } },
    }
  },
})

const sending = (change: (records: readonly OutgoingRecord[], of: Of) => readonly OutgoingRecord[]): Surgery =>
  inSession((session, of) => ({
    ...session,
    begin: (finish) => {
      const transaction = session.begin(finish)
      return { ...transaction, send: (records) => transaction.send(change(records, of)) }
    },
  }))

const asking = (change: (at: ReadArguments) => ReadArguments): Surgery => ({
  stream: (parts) => withRead(parts, (source) => (at, stop) => source.read(change(at), stop)),
})

type Source = StreamParts['pipeline']['reader']['source']

function withRead(parts: StreamParts, read: (source: Source) => Source['read']): StreamParts {
  const { pipeline } = parts
  return {
    ...parts,
    pipeline: { ...pipeline, reader: { ...pipeline.reader, source: { read: read(pipeline.reader.source) } } },
  }
}

const rewritten = (record: OutgoingRecord, from: RegExp, to: string) => ({
  ...record,
  value: record.value.replace(from, to),
})

function once(onChange: (streams: ReadonlySet<string>) => void): typeof onChange {
  let isFirst = true
  return (streams) => {
    if (isFirst) onChange(streams)
    isFirst = false
  }
}

const oneAtATime = turns(1)

const broken: Record<string, { surgery: Surgery; caught: RegExp; kind?: Kind }> = {
  'a publisher that loses a record': {
    surgery: sending((records) => records.slice(1)),
    caught: /a page is done, up to .*, although its clients are not in the topic/,
  },
  'a publisher that loses a record, at least once': {
    surgery: sending((records) => records.slice(1)),
    caught: /the last change .* is lost/,
    kind: 'at-least-once',
  },
  'a publisher that sends a record twice': {
    surgery: sending((records) => [...records, ...records.slice(0, 1)]),
    caught: /is doubled or out of order/,
  },
  'notes that are never found': {
    surgery: inSession((session) => ({ ...session, readNote: async () => ({ note: undefined, isHanging: false }) })),
    caught: /is doubled or out of order/,
  },
  'a publisher that leaves decided events to the next end': {
    surgery: inSession((session) => ({
      ...session,
      settle: ({ fateOf, note }, stop) =>
        session.settle({ fateOf: (value) => (fateOf(value) === 'decided' ? 'foreign' : fateOf(value)), note }, stop),
    })),
    caught: /is lost|is not told/,
  },
  'a publisher that leaves undecided events to the next end': {
    surgery: inSession((session) => ({ ...session, settle: async () => {} })),
    caught: /is doubled or out of order/,
  },
  'a publisher that turns its records around': {
    surgery: sending((records) => records.toReversed()),
    caught: /event \d+ has the sequence/,
  },
  'a Kafka that lets the fenced publish': {
    surgery: { fencing: 'off' },
    caught: /published .* although it was fenced/,
  },
  'a store that ignores conditions': { surgery: { conditions: 'ignored' }, caught: /who was taken over/ },
  'a checkPoint that is not kept verbatim': {
    surgery: asking((at) => ({
      ...at,
      checkPoint: at.checkPoint === null ? null : (`${at.checkPoint} ` as CheckPoint),
    })),
    caught: /which did not come with it/,
  },
  'a checkPoint that is sent with other arguments': {
    surgery: asking((at) => (at.checkPoint === null ? at : { ...at, output: 'xml' })),
    caught: /which did not come with it/,
  },
  'a stop that does not wait for the page in hand': {
    surgery: { stream: (parts, { stop }) => ({ ...parts, pipeline: { ...parts.pipeline, giveUp: stop } }) },
    caught: /the page in hand was dropped/,
  },
  'a stop that does not save': {
    surgery: {
      stream: (parts, { stop }) => {
        const { object } = parts.open
        const write: typeof object.write = async (text, expected, finish) =>
          stop.aborted && expected !== null
            ? { kind: 'written', version: expected }
            : object.write(text, expected, finish)
        return { ...parts, open: { ...parts.open, object: { ...object, write } } }
      },
    },
    caught: /the last page was not saved/,
  },
  'a stop that is not heard': {
    surgery: { stream: (parts) => withRead(parts, (source) => (at) => source.read(at, new AbortController().signal)) },
    caught: /has not stopped|took \d+ ms to stop/,
  },
  'ids that depend on the replica': {
    surgery: sending((records, { replica }) =>
      records.map((record) => rewritten(record, /"id":"/, `"id":"${replica}`)),
    ),
    caught: /has the ids/,
  },
  'events that name another stream': {
    surgery: sending((records) => records.map((record) => rewritten(record, /clients-2"/, 'clients-1"'))),
    caught: /clients-2: it published .* of .*clients-1/,
  },
  'a replica that hears of its first assignment only': {
    surgery: {
      placement: (placement) => ({ ...placement, run: (onChange, stop) => placement.run(once(onChange), stop) }),
    },
    caught: /clients-\d runs on .*, is owned by replica-\d+, 180000 ms after/,
  },
  'a stream that holds up the others': {
    surgery: {
      stream: (parts) =>
        withRead(parts, (source) => async (at, stop) => {
          using _turn = await oneAtATime.take(stop)
          return await source.read(at, stop)
        }),
    },
    caught: /is not told, 7000 ms after the change/,
  },
}

describe('what is broken on purpose is caught:', () => {
  it.each(Object.entries(broken))('%s', async (_name, { surgery, caught, kind = 'everyday' }) => {
    expect(await failureOf({ kind, surgery, runs: 500, seed: 1, lookingFor: caught })).toMatch(caught)
  })
})
