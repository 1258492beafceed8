import { describe, expect, test } from 'vitest'
import {
  clientLines,
  clientOutput,
  clientShape,
  erasedLines,
} from '../../../../connector/commands/output/client-output.ts'
import type { RecordPlace, StoredEvent } from '../../../../connector/event/cloud-event/stored-event.ts'
import { tombstone } from '../../../../connector/event/cloud-event/tombstone.ts'
import { clientKey, type EntryMark, entryWordsOf } from '../../../../connector/index/index-entry.ts'
import { deltaText, withEntries } from '../../../../connector/index/index-state.ts'
import { findClient } from '../../../../connector/inspect/client/find-client.ts'
import type { EventPublisher } from '../../../../connector/publish/event-publisher.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { readEvent } from '../../../support/records.ts'
import { plainScreen } from '../../../support/screens.ts'
import { never } from '../../../support/signals.ts'
import { entry } from '../../index/entries.ts'
import { auditedStream } from '../audit/audited-stream.ts'

const source = '/polaris/shop/clients'
type Stored = readonly [place: Omit<RecordPlace, 'key'>, record: StoredEvent, visible?: 'aborted']
const at = (partition: number, offset: number) => ({ partition, offset: BigInt(offset) })
const modified = (number: number, of = source): StoredEvent => {
  const named = { type: 'client.modified', source: of, subject: 'c1', sequence: String(number).padStart(20, '0') }
  return readEvent(JSON.stringify({ ...named, time: '2026-06-15T10:00:00.000Z', data: { Nom: 'Krznych' } }), 'c1')
}
/** The same in binary mode. */
const inBinaryMode = (number: number): StoredEvent => ({
  key: 'c1',
  value: '{"Nom":"Krznych"}',
  headers: {
    ...{ ce_specversion: '1.0', ce_type: 'client.modified', ce_source: source, ce_subject: 'c1' },
    ...{ ce_sequence: String(number).padStart(20, '0'), ce_time: '2026-06-15T10:00:00.000Z' },
  },
})
const erased = (sequence: number): StoredEvent =>
  tombstone({ type: 'client.erased', source, clientId: 'c1', previous: '0', sequence, timeMs: 0 })

const erasures = { read: async () => ({ marks: [], open: [] }) }

/** A topic with one partition. */
const topicOf = (records: readonly Stored[]): Pick<EventPublisher, 'readEvents'> => ({
  readEvents: async ({ find, onVisible }) => {
    for (const [place, record, visible] of records) {
      const found = find(record, { ...place, key: 'c1' })
      if (found !== undefined && visible === undefined) onVisible(found)
      find(record, { ...place, key: 'another client' })
    }
    return new Map([[0, { next: 9n, open: new Map() }]])
  },
})

async function reportOf(records: readonly Stored[], mark: EntryMark | 'no entry', dead: readonly Stored[] = []) {
  const { open, poll, edit } = auditedStream()
  await poll()
  edit(({ committed, ...document }) => {
    const { state } = committed
    const known = mark === 'no entry' ? [] : [[clientKey('c1'), entry(7, { mark })] as const]
    const index = withEntries({ ...state.index, delta: '' }, deltaText(entryWordsOf(known)))
    return { ...document, committed: { ...committed, state: { ...state, index } } }
  })
  const publisher = { ...open.publisher, ...topicOf(records) }
  const parts = { open: { ...open, publisher }, deadLetters: topicOf(dead), erasures, onProgress: () => {} }
  const found = await findClient(parts, 'c1', never)
  const topics = { events: 'client.modified', deadLetters: 'client.modified.dlq' }
  const report = clientOutput({ stream: 'clients', id: 'c1', topics, requests: [] }, found)
  return clientShape.parse(report)
}

describe('one client', () => {
  test.each([
    ['structured', modified],
    ['binary', inBinaryMode],
  ])('is published, with the place of its newest event in %s mode and the number of older records', async (_, of) => {
    const report = await reportOf(
      [
        [at(0, 3), modified(2)],
        [at(0, 8), of(7)],
      ],
      'none',
    )
    expect(report).toMatchObject({ standing: 'published', number: 7, source: 'unasked', nothingLeft: false })
    expect(report.newest).toEqual({
      ...{ partition: 0, offset: '8', kind: 'event', number: 7, time: '2026-06-15T10:00:00.000Z' },
    })
    const lines = clientLines(report, plainScreen).join('\n')
    expect(lines).toContain('event: partition 0, offset 8, number 7, 2026-06-15T10:00:00.000Z')
    expect(lines).toContain('1 older record, until compaction')
    expect(lines).not.toContain('Krznych')
  })

  test('is unknown if neither the index nor the topic has it', async () => {
    expect(await reportOf([], 'no entry')).toMatchObject({ standing: 'unknown', newest: null, nothingLeft: false })
  })

  test.each([
    ['missing', 'published', 'missed-once'],
    ['gone', 'published', 'gone'],
    ['withdrawn-gone', 'removed', 'gone'],
    ['withdrawn', 'erased', 'unasked'],
  ] as const)('with the mark %s is %s, and in the source %s', async (mark, standing, inSource) => {
    expect(await reportOf([], mark)).toMatchObject({ standing, source: inSource })
  })

  test('has a newest record that the stream has not written, if another producer wrote to its key', async () => {
    const report = await reportOf(
      [
        [at(0, 3), modified(7)],
        [at(0, 4), modified(1, '/polaris/shop/other')],
      ],
      'none',
    )
    expect(report.newest).toMatchObject({ kind: 'foreign', offset: '4', number: null })
  })

  test('whose dead-letter topic is missing has no dead letters', async () => {
    const { open, poll } = auditedStream()
    await poll()
    const missing = { readEvents: () => Promise.reject(new ConnectorError('publish.topic-missing', 'no topic')) }
    const publisher = { ...open.publisher, ...topicOf([]) }
    const found = await findClient(
      { open: { ...open, publisher }, deadLetters: missing, erasures, onProgress: () => {} },
      'c1',
      never,
    )
    expect(found.deadLetters).toEqual([])
  })
})

describe('the proof that a client is erased', () => {
  const proofOf = async (...of: Parameters<typeof reportOf>) => {
    const report = await reportOf(...of)
    return { nothingLeft: report.nothingLeft, lines: erasedLines(report, plainScreen) }
  }

  test('is given once nothing is left in the topics', async () => {
    const { nothingLeft, lines } = await proofOf([], 'withdrawn')
    expect(nothingLeft).toBe(true)
    expect(lines[0]).toBe('stream clients, client c1: erased, nothing is left in the topics')
    expect(lines).toContain('Not checked: subscribers, backups, and old versions of objects in the bucket.')
  })

  test('names every record that has its data or its id, also those that no committed reader sees', async () => {
    const records: Stored[] = [
      [at(0, 3), modified(7)],
      [at(0, 5), modified(8), 'aborted'],
      [at(0, 8), erased(9)],
    ]
    const { nothingLeft, lines } = await proofOf(records, 'withdrawn', [[at(2, 1), readEvent('{}')]])
    expect(nothingLeft).toBe(false)
    expect(lines.slice(0, 4)).toEqual([
      'stream clients, client c1: erased, but not gone yet',
      '  topic client.modified: its data, until compaction deletes it (2 records: partition/offset 0/3, 0/5)',
      '  topic client.modified: its id in a tombstone, until delete.retention.ms is over (1 record: partition/offset 0/8)',
      '  topic client.modified.dlq: its id, and its data with deadLetters.includeClient, until retention.ms is over (1 record: partition/offset 2/1)',
    ])
  })

  test('is refused for a client that is not erased, and for an id that the index does not have', async () => {
    expect((await proofOf([[at(0, 3), modified(7)]], 'none')).lines[0]).toBe(
      'stream clients, client c1: not erased: published',
    )
    expect((await proofOf([], 'no entry')).nothingLeft).toBe(false)
  })
})
