import { describe, expect, test } from 'vitest'
import { exitCodeOf, findingLines } from '../../../connector/doctor/describe-findings.ts'
import { type Finding, failed, failure, ok, skipped, warning } from '../../../connector/doctor/finding.ts'
import { judgeRetention, judgeTopic, type TopicWishes } from '../../../connector/doctor/judge-kafka.ts'
import { judgeFields, judgeTimeZone } from '../../../connector/doctor/judge-page.ts'
import { kafkaDefaults } from '../../../connector/publish/kafka-config.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'

const minute = 60_000
const now = Date.parse('2026-06-15T10:00:00Z')

describe('the retention of notes', () => {
  const cluster = (minutes: number | undefined) => ({
    ...{ clusterId: 'c', brokers: 3, offsetsRetentionMs: minutes === undefined ? undefined : minutes * minute },
  })

  test.each([
    [60, 60, 'ok'],
    [120, 60, 'warning'],
    [60, 120, 'failed'],
    [undefined, 60, 'skipped'],
  ] as const)('of %s minutes with %s configured is %s', (kept, configured, verdict) => {
    expect(judgeRetention(cluster(kept), configured * minute).verdict).toBe(verdict)
  })
})

describe('a topic', () => {
  const wishes: TopicWishes = { create: kafkaDefaults.create, maxMessageBytes: 1000, isState: true, brokers: 3 }
  const view = (settings: Record<string, string>, copies = 3, copiesInSync = copies) => ({
    ...{ topic: 't', partitions: 6, copies, copiesInSync, settings: new Map(Object.entries(settings)) },
  })
  const good = { 'cleanup.policy': 'compact', 'min.insync.replicas': '2', 'max.message.bytes': '1000' }

  test.each([
    ['as it should be', view(good), {}, 'ok'],
    ['with one copy', view(good, 1), {}, 'failed'],
    [
      'with one copy in a cluster of one broker',
      view({ ...good, 'min.insync.replicas': '1' }, 1),
      { brokers: 1 },
      'ok',
    ],
    ['with min.insync.replicas 1', view({ ...good, 'min.insync.replicas': '1' }), {}, 'warning'],
    ['with too few copies in sync', view(good, 3, 1), {}, 'failed'],
    ['that takes too little', view({ ...good, 'max.message.bytes': '999' }), {}, 'failed'],
    ['that forgets', view({ ...good, 'cleanup.policy': 'delete', 'retention.ms': '1000' }), {}, 'warning'],
    ['that keeps all', view({ ...good, 'cleanup.policy': 'delete', 'retention.ms': '-1' }), {}, 'ok'],
    [
      'of dead letters that forgets',
      view({ ...good, 'cleanup.policy': 'delete', 'retention.ms': '1' }),
      { isState: false },
      'ok',
    ],
    ['that hides its settings', { ...view({}), settings: undefined }, {}, 'ok'],
    ['that will be created', undefined, {}, 'ok'],
    ['that is missing', undefined, { create: undefined }, 'failed'],
  ] as const)('%s', (_, seen, more, verdict) => {
    expect(judgeTopic('t', seen, { ...wishes, ...more }).verdict).toBe(verdict)
  })
})

describe('a page', () => {
  const client = { No: '1', DateModification: '2026-06-15T11:30:00' }
  const page = { clients: [client], hasMoreResults: false, checkPoint: null, serverTime: now, tookMs: 5, bytes: 100 }
  const mapping = { clientId: 'No', modifiedAt: 'DateModification' }
  const zone = (timeZone: string) => judgeTimeZone(page, mapping, { timeZone, now })

  test('of which some clients have no id is a warning', () => {
    expect(judgeFields([client, {}], mapping)).toMatchObject({
      verdict: 'warning',
      seen: expect.stringContaining('1 of 2'),
    })
    expect(judgeFields([client], mapping).verdict).toBe('ok')
    expect(judgeFields([], undefined).verdict).toBe('skipped')
  })

  test('with a modification in the future makes the zone doubtful', () => {
    expect(zone('Europe/Paris').verdict).toBe('ok')
    expect(zone('Europe/London')).toMatchObject({
      verdict: 'warning',
      seen: expect.stringContaining('30 minutes in the future'),
    })
  })

  test('whose times cannot be read is a warning', () => {
    const unreadable = { ...page, clients: [{ ...client, DateModification: 'yesterday' }] }
    expect(judgeTimeZone(unreadable, mapping, { timeZone: 'UTC', now }).verdict).toBe('warning')
  })
})

describe('the findings', () => {
  const of = (stream: string | null, check: string, judgement: Omit<Finding, 'stream' | 'check'>): Finding => ({
    ...{ stream, check, ...judgement },
  })

  test('fail with the highest exit code of what failed; a warning fails nothing', () => {
    expect(exitCodeOf([of(null, 'a', ok('x')), of(null, 'b', warning('x', 'y')), of(null, 'c', skipped('z'))])).toBe(0)
    expect(exitCodeOf([of(null, 'a', failed('config.invalid', 'x'))])).toBe(2)
    expect(
      exitCodeOf([of(null, 'a', failed('config.invalid', 'x')), of(null, 'b', failed('storage.refused', 'y'))]),
    ).toBe(3)
  })

  test('are a line each, stream by stream, with code and cure', () => {
    const findings = [of(null, 'kafka', ok('there')), of('paris', 'polaris', failed('source.stuck', 'turns', 'push'))]
    expect(findingLines(findings)).toEqual([
      'ok       kafka    there',
      '',
      'stream paris',
      'failed   polaris  source.stuck: turns → push',
      '',
      '1 failed, 0 warning, 0 skipped, 1 ok',
    ])
  })

  test('of an error are its code and message, of a defect its name alone', () => {
    const waiting = { patience: new AbortController().signal, late: 'source.timeout' } as const
    expect(failure(new ConnectorError('source.stuck', 'read'), waiting)).toMatchObject({
      code: 'source.stuck',
      seen: 'read',
    })
    expect(failure(new TypeError('secret'), waiting)).toMatchObject({ code: 'bug', seen: 'unexpected TypeError' })
    expect(failure('x', { ...waiting, patience: AbortSignal.abort() })).toMatchObject({ code: 'source.timeout' })
  })
})
