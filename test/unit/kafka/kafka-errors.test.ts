import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { hasKafkaError, publishError, transactionError } from '../../../connector/kafka/kafka-errors.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'

// Errors are made as Kafka and kafkajs make them, alone and wrapped.

const load = createRequire(import.meta.url)
// The types of kafkajs declare other constructor arguments.
const {
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSRequestTimeoutError,
} = load('kafkajs/src/errors')
const { createErrorFromCode: protocol } = load('kafkajs/src/protocol/error')

const exhausted = (error: Error) => new KafkaJSNumberOfRetriesExceeded(error, { retryCount: 5, retryTime: 1 })
const wrapped = (cause: Error) => new KafkaJSNonRetriableError(cause, { cause })
const aggregate = (...errors: Error[]) =>
  Object.assign(new Error('Topic creation errors'), { name: 'KafkaJSAggregateError', errors })

const classified = (error: unknown) => transactionError('publish', error).code

describe('transactionError', () => {
  test.each([
    ['publish.fenced', [47, 48, 90]],
    ['publish.refused', [10, 12, 17, 18, 35, 37, 38, 39, 40, 42, 43, 44, 50, 76, 87]],
    ['publish.unauthorized', [29, 30, 31, 33, 53, 58]],
    ['publish.topic-missing', [3]],
    ['publish.failed', [-1, 2, 5, 6, 7, 14, 15, 16, 19, 20, 32, 34, 45, 49, 51, 59]],
  ] as const)('returns %s for the codes %j, with and without wrapper errors', (verdict, codes) => {
    for (const code of codes) {
      expect(classified(protocol(code))).toBe(verdict)
      expect(classified(exhausted(protocol(code)))).toBe(verdict)
      expect(classified(wrapped(exhausted(protocol(code))))).toBe(verdict)
      expect(classified(aggregate(protocol(code)))).toBe(verdict)
    }
  })

  test.each([
    ['publish.failed', new KafkaJSConnectionError('gone', { code: 'ECONNREFUSED' })],
    ['publish.failed', exhausted(new KafkaJSConnectionError('gone', { code: 'ECONNRESET' }))],
    ['publish.failed', new KafkaJSGroupCoordinatorNotFound('none')],
    ['publish.failed', new KafkaJSRequestTimeoutError('slow', {})],
    ['publish.failed', new DOMException('not done within 5 ms', 'TimeoutError')],
    ['publish.failed', new KafkaJSError('something new')],
    ['publish.failed', new Error('Broker not connected')],
    ['publish.failed', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })],
    ['bug', new Error('decided without prepare')],
    ['bug', new TypeError('undefined is not a function')],
    ['bug', wrapped(new TypeError('undefined is not a function'))],
    ['bug', 'not even an error'],
  ] as const)('returns %s for %s', (verdict, error) => {
    expect(classified(error)).toBe(verdict)
  })
})

describe('publishError', () => {
  test('names the operation, the error type, its code and the missing ACL', () => {
    const error = publishError('publish 3 records to t', exhausted(protocol(29)), {
      TOPIC_AUTHORIZATION_FAILED: 'WRITE on topic t',
    })
    expect(error.code).toBe('publish.unauthorized')
    expect(error.message).toBe(
      'publish 3 records to t: TOPIC_AUTHORIZATION_FAILED 29: the ACL WRITE on topic t is missing',
    )
  })

  test('does not take a defect of ours for a lost connection', () => {
    expect(publishError('publish', new Error('a defect')).message).toBe(
      'publish: Error: this is a defect of the connector',
    )
    expect(publishError('publish', wrapped(new ConnectorError('bug', 'a defect'))).code).toBe('bug')
    expect(publishError('publish', new Error('Broker not connected')).message).toMatch(/not connected: check host/)
  })

  test('says what to check for each error of Kafka and of kafkajs', () => {
    const codes = Array.from({ length: 122 }, (_, at) => at - 1).filter((code) => code !== 0)
    const others = [new KafkaJSError('new'), new KafkaJSGroupCoordinatorNotFound('none'), wrapped(new Error('x')), 5]
    for (const failed of [publishError, transactionError])
      for (const error of [...codes.map((code) => protocol(code)), ...others])
        expect(failed('publish', error).message).toMatch(/: [a-z][^:]+ [^:]+$/)
    expect(publishError('publish', protocol(90)).message).not.toContain('another process')
  })

  test('returns an error unchanged when it already has a code', () => {
    const coded = new ConnectorError('publish.refused', 'a record of 7 bytes')
    expect(publishError('publish', coded)).toBe(coded)
  })

  test('never includes the text of the original error, which may contain sent data', () => {
    expect(publishError('publish', new TypeError('bad value "secret"')).message).toMatch(
      /^publish: TypeError: this is a defect/,
    )
  })
})

test('finds an error code inside wrapper errors', () => {
  expect(hasKafkaError(wrapped(protocol(51)), 'CONCURRENT_TRANSACTIONS')).toBe(true)
  expect(hasKafkaError(wrapped(protocol(50)), 'CONCURRENT_TRANSACTIONS')).toBe(false)
})
