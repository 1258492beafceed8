import { expect, test } from 'vitest'
import { auditReport } from '../../../connector/commands/audit.ts'
import { MAX_CLIENTS } from '../../../connector/commands/named-clients.ts'
import { UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'
import type { AuditResult } from '../../../connector/inspect/audit/audit-stream.ts'

interface Found extends Partial<AuditResult['client']> {
  readonly ids?: Partial<AuditResult['differing']['ids']>
  readonly withoutId?: number
  readonly named?: 'missing' | 'gone'
  readonly of?: string
}

function report({ ids, withoutId = 0, named, of, ...client }: Found = {}) {
  const result: AuditResult = {
    differing: { ids: { missing: [], different: [], gone: [], ...ids }, withoutId },
    clients: { source: 12, topic: 10, deadLetters: 2 },
    client: { isInSource: false, records: [], deadLetters: [], ...client },
  }
  const topics = { events: 'clients', deadLetters: 'clients.dlq' }
  return auditReport({ stream: 'paris', topics, named, client: of, result })
}

test('has the counts', () => {
  expect(report()).toMatchObject({ stream: 'paris', agree: true, clients: { source: 12 } })
  expect(report({ ids: { missing: ['a'], different: ['b'], gone: ['c'] }, withoutId: 1 })).toMatchObject({
    ...{ agree: false, differences: { missing: 2, different: 1, gone: 1 } },
  })
})

test('has ids only if they are wanted, those of missing and different clients in one list, and not too many', () => {
  const ids = { missing: ['a'], different: ['b'], gone: ['c'] }
  expect(report({ ids }).ids).toBeUndefined()
  expect(report({ ids, named: 'missing' }).ids).toEqual(['a', 'b'])
  expect(report({ ids, named: 'gone' }).ids).toEqual(['c'])
  const many = Array.from({ length: MAX_CLIENTS + 1 }, (_, at) => `c${at}`)
  expect(report({ ids: { gone: many }, named: 'gone' }).ids).toEqual(many.slice(0, MAX_CLIENTS))
})

const place = { partition: 3, offset: 7n, timeMs: Date.UTC(2026, 10, 20), content: UNKNOWN_CONTENT }

test('says where one client is', () => {
  const records = [{ ...place, kind: 'event' }] as const
  const found = report({ of: 'a', isInSource: true, records, deadLetters: [place], ids: { missing: ['a'] } })
  const at = { partition: 3, offset: '7', time: '2026-11-20T00:00:00.000Z' }
  expect(found.client).toEqual({
    ...{ isNothingLeft: false, proof: undefined, isInSource: true },
    records: [
      { topic: 'clients', ...at, kind: 'event' },
      { topic: 'clients.dlq', ...at, kind: 'dead-letter' },
    ],
  })
})

test('says that nothing is left of a client', () => {
  expect(report({ of: 'a' }).client).toMatchObject({
    ...{ isNothingLeft: true, proof: 'nothing is left in the source, the topic and the dead letters' },
  })
  for (const left of [
    { isInSource: true },
    { records: [{ ...place, kind: 'foreign' as const }] },
    { deadLetters: [place] },
  ])
    expect(report({ of: 'a', ...left }).client?.isNothingLeft).toBe(false)
})
