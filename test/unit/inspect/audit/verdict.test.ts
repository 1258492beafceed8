import { expect, test } from 'vitest'
import { countedDifferences, retentionOf } from '../../../../connector/inspect/audit/compare.ts'

const unlimited = { 'retention.ms': '-1', 'retention.bytes': '-1' }

test.each([
  ['kept', { 'cleanup.policy': 'compact', 'retention.ms': '604800000', 'retention.bytes': '-1' }, false],
  ['expires', { 'cleanup.policy': 'delete', 'retention.ms': '604800000', 'retention.bytes': '-1' }, false],
  ['expires', { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '1000' }, false],
  ['expires', { 'cleanup.policy': 'compact,delete', 'retention.ms': '604800000', 'retention.bytes': '-1' }, false],
  ['kept', { 'cleanup.policy': 'delete', ...unlimited }, false],
  ['unknown', undefined, false],
  ['shared', { 'cleanup.policy': 'compact' }, true],
] as const)('the retention of a topic is %s with %j (shared: %j)', (retention, settings, isShared) => {
  expect(retentionOf(settings && new Map(Object.entries(settings)), isShared)).toBe(retention)
})

const differences = {
  ...{ notPublished: 1, outdated: 2, gone: 3 },
  ...{ notInTopic: 4, topicDiffers: 5, notInIndex: 6, notErased: 7, foreign: 8 },
}

test.each([
  ['kept', 36],
  ['unknown', 36],
  ['expires', 32],
  ['shared', 32],
] as const)('counts missing events as differences only if the topic must keep them: %s', (retention, counted) => {
  expect(countedDifferences({ differences }, retention)).toBe(counted)
})
