import { expect, test } from 'vitest'
import { auditLines, auditOutput, auditShape, type Report } from '../../../../connector/commands/output/audit-output.ts'
import {
  type DifferenceKind,
  differenceKinds,
  exceptionKinds,
  type NamedKind,
  namedKinds,
} from '../../../../connector/inspect/audit/client-kinds.ts'
import type { Retention } from '../../../../connector/inspect/audit/compare.ts'

const none = <Kind extends string>(kinds: readonly Kind[]) =>
  Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>
const paint = (_: string, text: string) => text

interface Found {
  readonly differences?: Partial<Record<DifferenceKind, number>>
  readonly retention?: Retention
  readonly isCaughtUp?: boolean
  readonly ids?: ReadonlyMap<NamedKind, readonly string[]>
}

function report({ differences = {}, retention = 'kept', isCaughtUp = true, ids }: Found = {}): Report {
  const result = {
    clients: { source: 12, index: 11, topic: 10 },
    differences: { ...none(differenceKinds), ...differences },
    exceptions: { ...none(exceptionKinds), changedMeanwhile: 3 },
    keys: new Map(),
    ...{ isCaughtUp, ids },
  }
  return { stream: 'paris', result, retention, tookMs: 12_345.6 }
}

const lines = (found?: Found, width = Number.POSITIVE_INFINITY) => auditLines(report(found), { paint, width })

test('prints the counts, and what is no difference, if all agree', () => {
  expect(lines()).toEqual([
    'stream paris: source, index and topic agree (12.3 s)',
    '',
    'IN      CLIENTS',
    'source  12',
    'index   11',
    'topic   10',
    '',
    'NO DIFFERENCE             CLIENTS',
    'changed during the audit  3',
  ])
})

test('prints the differences by kind', () => {
  const found = lines({ differences: { notPublished: 1, gone: 20 } })
  expect(found[0]).toBe('stream paris: 21 differences (12.3 s)')
  expect(found.slice(7, 10)).toEqual([
    'DIFFERENCE                                 CLIENTS',
    'in the source, but not published           1',
    'published, but not returned by the source  20',
  ])
  expect(found.join()).not.toContain('note:')
})

test.each([
  ['expires', { notInTopic: 2 }, true, /agree.*note: Kafka deletes old events/s],
  ['shared', { notInTopic: 2 }, true, /agree.*note: another stream replaces events/s],
  ['unknown', { notInTopic: 2 }, true, /: 2 differences.*note: it is unknown .*DESCRIBE_CONFIGS/s],
  ['kept', { outdated: 2 }, false, /: 2 differences.*note: the stream has completed no live scan/s],
] as const)('says why differences may have a harmless cause: %s, %j', (retention, differences, isCaughtUp, text) => {
  expect(lines({ retention, differences, isCaughtUp }).join('\n')).toMatch(text)
})

test('prints ids only if they were asked for', () => {
  const ids = new Map<NamedKind, readonly string[]>([
    ['gone', ['100101', '100102']],
    ['outdated', []],
    ['missing', ['100103']],
  ])
  const found = lines({ differences: { gone: 2 }, ids })
  expect(found.slice(-5)).toEqual([
    ...['published, but not returned by the source:', '100101 100102', ''],
    ...['known to be missing from the source:', '100103'],
  ])
  expect(lines({ differences: { gone: 2 }, ids }, 10)).toEqual(expect.arrayContaining(['100101', '100102']))
  expect(auditOutput(report({ differences: { gone: 2 }, ids })).ids).toEqual({
    ...Object.fromEntries(namedKinds.map((kind) => [kind, []])),
    gone: ['100101', '100102'],
    missing: ['100103'],
  })
})

test('prints JSON of its shape', () => {
  const output = auditOutput(report({ differences: { notInTopic: 1 }, retention: 'expires', isCaughtUp: false }))
  expect(auditShape.parse(output)).toEqual(output)
  expect(output).toMatchObject({ stream: 'paris', agree: true, topicKeeps: 'expires', caughtUp: false, tookMs: 12_346 })
  expect(output).not.toHaveProperty('ids')
})
