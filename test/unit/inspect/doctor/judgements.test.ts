import { describe, expect, test } from 'vitest'
import { fieldRules } from '../../../../connector/event/fields/field-rules.ts'
import {
  type CheckResult,
  exitCodeOf,
  type Finding,
  failed,
  failure,
  ok,
  skipped,
  warning,
} from '../../../../connector/inspect/doctor/finding.ts'
import { judgeEventFields } from '../../../../connector/inspect/doctor/judge-event-fields.ts'
import { type EventRules, judgeFields, judgeInterleaving } from '../../../../connector/inspect/doctor/judge-page.ts'
import {
  judgeRetention,
  judgeTopic,
  type TopicRequirements,
} from '../../../../connector/inspect/doctor/kafka/judge-kafka.ts'
import { kafkaDefaults } from '../../../../connector/kafka/kafka-config.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import type { ClientRecord } from '../../../../connector/source/client-source.ts'
import { eventForm } from '../../../support/records.ts'
import { never } from '../../../support/signals.ts'

const minute = 60_000

describe('the check of the offsets retention', () => {
  const cluster = (minutes: number | undefined) => ({
    ...{ clusterId: 'c', brokers: 3, offsetsRetentionMs: minutes === undefined ? undefined : minutes * minute },
  })

  test.each([
    [1440, 'ok'],
    [1439, 'failed'],
    [undefined, 'warning'],
  ] as const)('with %s minutes is %s', (kept, verdict) => {
    expect(judgeRetention(cluster(kept)).verdict).toBe(verdict)
  })
})

describe('the check of a topic', () => {
  const required: TopicRequirements = {
    create: kafkaDefaults.create,
    maxMessageBytes: 1000,
    lost: 'x',
    brokers: 3,
  }
  const view = (settings: Record<string, string>, copies = 3, copiesInSync = copies) => ({
    ...{ topic: 't', partitions: 6, copies, copiesInSync, settings: new Map(Object.entries(settings)) },
  })
  const good = { 'cleanup.policy': 'compact', 'min.insync.replicas': '2', 'max.message.bytes': '1000' }

  test.each([
    ['with the right configuration', view(good), {}, 'ok'],
    ['with one replica', view(good, 1), {}, 'failed'],
    [
      'with one replica in a cluster of one broker',
      view({ ...good, 'min.insync.replicas': '1' }, 1),
      { brokers: 1 },
      'ok',
    ],
    ['with min.insync.replicas 1', view({ ...good, 'min.insync.replicas': '1' }), {}, 'warning'],
    ['with too few in-sync replicas', view(good, 3, 1), {}, 'failed'],
    ['with a max.message.bytes that is too small', view({ ...good, 'max.message.bytes': '999' }), {}, 'failed'],
    ['that deletes old events', view({ ...good, 'cleanup.policy': 'delete', 'retention.ms': '1000' }), {}, 'warning'],
    ['that keeps all events', view({ ...good, 'cleanup.policy': 'delete', 'retention.ms': '-1' }), {}, 'ok'],
    [
      'of dead letters that deletes old ones',
      view({ ...good, 'cleanup.policy': 'delete', 'retention.ms': '1' }),
      { lost: undefined },
      'ok',
    ],
    ['with an invisible configuration', { ...view({}), settings: undefined }, {}, 'warning'],
    ['with an invisible configuration and too few replicas', { ...view({}, 1), settings: undefined }, {}, 'warning'],
    ['that will be created', undefined, {}, 'ok'],
    ['that is missing', undefined, { create: undefined }, 'failed'],
  ] as const)('%s', (_, found, more, verdict) => {
    expect(judgeTopic('t', found, { ...required, ...more }).verdict).toBe(verdict)
  })

  test('names the right that shows its configuration, and what to compare without it', () => {
    const hidden = { ...view({}), settings: undefined }
    expect(judgeTopic('t', hidden, required)).toMatchObject({
      detail: expect.stringContaining('the ACL DESCRIBE_CONFIGS on topic t is missing'),
      hint: 'add it, or check yourself that max.message.bytes is at least 1000 and min.insync.replicas is 2 and cleanup.policy is compact',
    })
    expect(judgeTopic('t', hidden, { ...required, lost: undefined, brokers: 1 }).hint).toBe(
      'add it, or check yourself that max.message.bytes is at least 1000',
    )
    expect(judgeRetention({ clusterId: 'c', brokers: 1, offsetsRetentionMs: undefined })).toMatchObject({
      detail: expect.stringContaining('the ACL DESCRIBE_CONFIGS on the cluster is missing'),
      hint: 'add it, or check that offsets.retention.minutes of the brokers is at least a day (1440)',
    })
  })

  test('says how to create a topic that is missing', () => {
    expect(judgeTopic('t', undefined, { ...required, create: undefined }).hint).toBe(
      'create the topic, or set `kafka.topics.create: true`',
    )
  })
})

describe('the check of the fields', () => {
  const mapping = { clientId: 'No', modifiedAt: 'DateModification' }

  const rules: EventRules = {
    settings: {
      form: eventForm(),
      maxValueBytes: 1_000,
      deadLetterClient: 'leave-out',
    },
    reading: { timeZone: 'UTC', ignored: new Set(), lists: [], fields: undefined },
    limit: { maxShare: 0.1, minimum: 10, of: 1000 },
  }
  const clients = (good: number, ...others: ClientRecord[]) => [
    ...Array.from({ length: good }, (_, at) => ({ No: String(at) })),
    ...others,
  ]
  const bad = (count: number) => Array.from({ length: count }, () => ({}))

  test('warns when some clients have no id', () => {
    expect(judgeFields([{ No: '1' }, {}], mapping, rules)).toMatchObject({
      verdict: 'warning',
      detail: 'id No: 1 of 2 clients would become dead letters',
    })
    expect(judgeFields([{ No: '1' }], mapping, rules).verdict).toBe('ok')
    expect(judgeFields([], undefined, rules).verdict).toBe('skipped')
  })

  test.each([
    ['as many as the limit allows', clients(90, ...bad(10)), 'warning'],
    ['more than the limit allows', clients(89, ...bad(11)), 'failed'],
    ['a client that is too large', clients(9, { No: '9', Memo: 'x'.repeat(1_000) }), 'warning'],
  ] as const)('judges dead letters as run does: %s', (_, sample, verdict) => {
    const found = judgeFields(sample, mapping, rules)
    expect(found.verdict).toBe(verdict)
    expect(found.code).toBe(verdict === 'failed' ? 'event.too-many-dead-letters' : undefined)
  })
})

describe('the check of the event fields', () => {
  const rules = fieldRules('keep', [
    ['Mail', 'hmac'],
    ['Adresse.Rue', 'drop'],
  ])
  const judged = (...clients: ClientRecord[]) => judgeEventFields(clients, { fields: rules, types: undefined })

  test('warns about fields that no client has', () => {
    expect(judged({ No: '1', mail: 'x' }, { No: '2', Adresse: {} })).toMatchObject({
      verdict: 'warning',
      detail: 'none of 2 clients has adresse.rue',
    })
    expect(judged({ No: '1', Mail: '' }, { No: '2', Adresse: [{ Ligne: { Rue: 'x' } }] }).verdict).toBe('ok')
    expect(judged().verdict).toBe('skipped')
  })

  test('warns about fields with a type that no client has', () => {
    const types = new Map([['carte.points', 'integer' as const]])
    expect(judgeEventFields([{ Carte: { Points: '007' } }], { fields: undefined, types }).verdict).toBe('ok')
    expect(judgeEventFields([{ Carte: '' }], { fields: undefined, types })).toMatchObject({
      verdict: 'warning',
      detail: 'none of 1 clients has carte.points',
    })
  })
})

describe('the check of interleaved scans', () => {
  const clients = (...ids: string[]) => ids.map((No) => ({ No }))

  test.each([
    ['the same clients', clients('1', '2'), clients('2', '1'), 'ok'],
    ['one changed client of two', clients('1', '2'), clients('1', '3'), 'ok'],
    ['other clients', clients('1', '2'), clients('3', '4'), 'warning'],
    ['no clients', clients('1', '2'), [], 'warning'],
  ] as const)('with %s after a live scan', (_, before, again, verdict) => {
    expect(judgeInterleaving(before, again).verdict).toBe(verdict)
  })
})

describe('findings', () => {
  const of = (stream: string | null, check: string, result: CheckResult): Finding => ({
    ...{ stream, check, ...result },
  })

  test('exit with 1 if a check failed, and with 2 if the configuration is invalid; warnings count as success', () => {
    expect(exitCodeOf([of(null, 'a', ok('x')), of(null, 'b', warning('x', 'y')), of(null, 'c', skipped('z'))])).toBe(0)
    expect(exitCodeOf([of(null, 'a', failed('config.invalid', 'x'))])).toBe(2)
    expect(exitCodeOf([of(null, 'a', ok('x')), of(null, 'b', failed('storage.refused', 'y'))])).toBe(1)
  })

  test('have code and message of an error, but only the name of a defect', () => {
    const limit = { finish: never, timeoutCode: 'source.unreachable' } as const
    expect(failure(new ConnectorError('source.stuck', 'read'), limit)).toMatchObject({
      code: 'source.stuck',
      detail: 'read',
    })
    expect(failure(new TypeError('secret'), limit)).toMatchObject({ code: 'bug', detail: 'unexpected TypeError' })
    expect(failure('x', { ...limit, finish: AbortSignal.abort() })).toMatchObject({ code: 'source.unreachable' })
  })
})
