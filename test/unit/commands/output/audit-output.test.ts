import { expect, test } from 'vitest'
import {
  auditLines,
  auditOutput,
  auditShape,
  clientLines,
  MAX_IDS,
  type NamedKind,
} from '../../../../connector/commands/output/audit-output.ts'
import { UNKNOWN_CONTENT } from '../../../../connector/index/index-entry.ts'
import type { AuditResult } from '../../../../connector/inspect/audit/audit-stream.ts'

const paint = (_: string, text: string) => text

interface Found extends Partial<AuditResult['client']> {
  readonly ids?: Partial<AuditResult['differing']['ids']>
  readonly withoutId?: number
  readonly named?: NamedKind
  readonly of?: string
}

function output({ ids, withoutId = 0, named, of, ...client }: Found = {}) {
  const result: AuditResult = {
    differing: { ids: { missing: [], different: [], gone: [], ...ids }, withoutId },
    clients: { source: 12, topic: 10, deadLetters: 2 },
    client: { isInSource: false, records: [], deadLetters: [], ...client },
  }
  const topics = { events: 'clients', deadLetters: 'clients.dlq' }
  const found = auditOutput({ stream: 'paris', topics, named, client: of, result, tookMs: 12_345.6 })
  return auditShape.parse(found)
}

test('prints the counts', () => {
  expect(auditLines(output(), { paint })[0]).toBe('stream paris: source and topic agree (12.3 s)')
  const found = output({ ids: { missing: ['a'], different: ['b'], gone: ['c'] }, withoutId: 1 })
  expect(found).toMatchObject({ agree: false, differences: { missing: 2, different: 1, gone: 1 } })
  expect(auditLines(found, { paint })).toEqual([
    'stream paris: 4 differences (12.3 s)',
    '',
    '                        CLIENTS',
    'in the source           12',
    'of those, dead letters  2',
    'in the topic            10',
    'missing in the topic    2',
    'different in the topic  1',
    'gone from the source    1',
  ])
})

test('has ids only if they are wanted, those of missing and different clients in one list, and not too many', () => {
  const ids = { missing: ['a'], different: ['b'], gone: ['c'] }
  expect(output({ ids })).not.toHaveProperty('ids')
  expect(output({ ids, named: 'missing' }).ids).toEqual(['a', 'b'])
  expect(output({ ids, named: 'gone' }).ids).toEqual(['c'])
  const many = Array.from({ length: MAX_IDS + 1 }, (_, at) => `c${at}`)
  expect(output({ ids: { gone: many }, named: 'gone' }).ids).toEqual(many.slice(0, MAX_IDS))
})

const place = { partition: 3, offset: 7n, timeMs: Date.UTC(2026, 10, 20), content: UNKNOWN_CONTENT }

test('says where one client is', () => {
  const records = [
    { ...place, kind: 'event' },
    { ...place, offset: 8n, kind: 'tombstone' },
  ] as const
  const found = output({ of: 'a', isInSource: true, records, deadLetters: [place], ids: { missing: ['a'] } })
  expect(found.client).toMatchObject({ isNothingLeft: false, isInSource: true, records: [{}, {}, { offset: '7' }] })
  expect(clientLines(found, 'a', { paint })).toEqual([
    'stream paris, client a: missing in the topic',
    '',
    'source: returned',
    'topic clients, partition 3, offset 7: event, 2026-11-20T00:00:00Z',
    'topic clients, partition 3, offset 8: tombstone, 2026-11-20T00:00:00Z',
    'topic clients.dlq, partition 3, offset 7: dead letter, 2026-11-20T00:00:00Z',
  ])
})

test('says that nothing is left of a client', () => {
  const found = output({ of: 'a' })
  expect(found.client?.isNothingLeft).toBe(true)
  expect(clientLines(found, 'a', { paint })).toEqual([
    'stream paris, client a: nothing is left in the source, the topic and the dead letters',
  ])
  for (const left of [
    { isInSource: true },
    { records: [{ ...place, kind: 'foreign' as const }] },
    { deadLetters: [place] },
  ])
    expect(output({ of: 'a', ...left }).client?.isNothingLeft).toBe(false)
})
