import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { classifyKafkaError, hasKafkaCode, publishError } from '../../../connector/kafka/kafka-errors.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'

// The types of kafkajs declare other constructor arguments.
const {
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
} = createRequire(import.meta.url)('kafkajs/src/errors')

const protocol = (code: number, type = `TYPE_${code}`) =>
  new KafkaJSProtocolError(Object.assign(new Error(`error ${code}`), { code, type }))
const exhausted = (error: Error) => new KafkaJSNumberOfRetriesExceeded(error, { retryCount: 5, retryTime: 1 })
const wrapped = (cause: Error) => new KafkaJSNonRetriableError(cause, { cause })
const aggregate = (...errors: Error[]) =>
  Object.assign(new Error('Topic creation errors'), { name: 'KafkaJSAggregateError', errors })

describe('classifyKafkaError', () => {
  it.each([
    ['publish.fenced', [47, 48, 49, 90, -99]],
    ['publish.refused', [10, 12, 17, 18, 35, 37, 38, 39, 40, 42, 43, 44, 50, 76, 87]],
    ['publish.unauthorized', [29, 30, 31, 33, 53, 58]],
    ['publish.topic-missing', [3]],
    ['publish.failed', [-1, 2, 5, 6, 7, 14, 15, 16, 19, 20, 32, 45, 51, 59]],
  ] as const)('returns %s for the codes %j, with and without wrapper errors', (verdict, codes) => {
    for (const code of codes) {
      expect(classifyKafkaError(protocol(code))).toBe(verdict)
      expect(classifyKafkaError(exhausted(protocol(code)))).toBe(verdict)
      expect(classifyKafkaError(wrapped(exhausted(protocol(code))))).toBe(verdict)
      expect(classifyKafkaError(aggregate(protocol(code)))).toBe(verdict)
    }
  })

  it.each([
    ['publish.unreachable', new KafkaJSConnectionError('gone', { code: 'ECONNREFUSED' })],
    ['publish.unreachable', exhausted(new KafkaJSConnectionError('gone', { code: 'ECONNRESET' }))],
    ['publish.unreachable', new KafkaJSGroupCoordinatorNotFound('none')],
    ['publish.unreachable', new KafkaJSRequestTimeoutError('slow', {})],
    ['publish.unreachable', new DOMException('not done within 5 ms', 'TimeoutError')],
    ['publish.failed', new KafkaJSError('something new')],
    ['publish.unreachable', new Error('Broker not connected')],
    ['publish.unreachable', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })],
    ['bug', new Error('decided without prepare')],
    ['bug', new TypeError('undefined is not a function')],
    ['bug', wrapped(new TypeError('undefined is not a function'))],
    ['bug', 'not even an error'],
  ] as const)('returns %s for %s', (verdict, error) => {
    expect(classifyKafkaError(error)).toBe(verdict)
  })
})

describe('publishError', () => {
  it('names the operation, the error type, its code and the missing ACL', () => {
    const error = publishError('publish 3 records to t', exhausted(protocol(29, 'TOPIC_AUTHORIZATION_FAILED')), {
      29: 'WRITE on topic t',
    })
    expect(error.code).toBe('publish.unauthorized')
    expect(error.message).toBe(
      'publish 3 records to t: TOPIC_AUTHORIZATION_FAILED 29: the ACL WRITE on topic t is missing',
    )
  })

  it('does not take a defect of ours for a lost connection', () => {
    expect(publishError('publish', new Error('a defect')).message).toBe('publish: error')
    expect(publishError('publish', wrapped(new ConnectorError('bug', 'a defect'))).code).toBe('bug')
    expect(publishError('publish', new Error('Broker not connected')).message).toBe(
      'publish: not connected: check host, port and TLS',
    )
  })

  it('returns an error unchanged when it already has a code', () => {
    const coded = new ConnectorError('publish.refused', 'a record of 7 bytes')
    expect(publishError('publish', coded)).toBe(coded)
  })

  it('never includes the text of the original error, which may contain sent data', () => {
    expect(publishError('publish', new TypeError('bad value "secret"')).message).toBe('publish: TypeError')
  })
})

it('finds an error code inside wrapper errors', () => {
  expect(hasKafkaCode(wrapped(protocol(51)), 51)).toBe(true)
  expect(hasKafkaCode(wrapped(protocol(50)), 51)).toBe(false)
})
