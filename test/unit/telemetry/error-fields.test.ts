import { expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { defectLine, toLogFields } from '../../../connector/telemetry/error-fields.ts'

// Errors with planted data are described as log fields.

const foreign = (name: string, props: object) => Object.assign(new Error('Jean Dupont, 0612345678'), { name }, props)

test('describes a ConnectorError by code, message and hint', () => {
  expect(toLogFields(new ConnectorError('source.unreachable', 'read page: no answer within 30 s'))).toEqual({
    code: 'source.unreachable',
    error: 'source.unreachable: read page: no answer within 30 s',
    hint: `${errorCatalogue['source.unreachable'].runHint}; runbook: section \`source.unreachable\``,
  })
})

test('describes causes by name and codes, nearest first, and a ConnectorError with its message', () => {
  const socket = foreign('Error', { code: 'ECONNREFUSED', address: '10.0.0.1' })
  const undici = foreign('ConnectTimeoutError', { code: 'UND_ERR_CONNECT_TIMEOUT', cause: socket })
  const ours = new ConnectorError('source.unreachable', 'read page: no connection', { cause: undici })
  const top = new ConnectorError('publish.failed', 'publish 200 events', { cause: ours })
  expect(toLogFields(top).causes).toEqual([
    'source.unreachable: read page: no connection',
    'ConnectTimeoutError UND_ERR_CONNECT_TIMEOUT',
    'Error ECONNREFUSED',
  ])
})

test.each([
  [
    'kafkajs: type and number of the protocol error',
    foreign('KafkaJSProtocolError', { type: 'INVALID_PRODUCER_EPOCH', code: 47, retriable: false }),
    'KafkaJSProtocolError INVALID_PRODUCER_EPOCH 47',
  ],
  [
    'AWS: the HTTP status',
    foreign('S3ServiceException', { $metadata: { httpStatusCode: 503 }, Code: 'SlowDown' }),
    'S3ServiceException status 503',
  ],
  ['a timeout', new DOMException('late: Dupont', 'TimeoutError'), 'TimeoutError'],
  ['an invalid code', foreign('TypeError', { code: 'DUPONT' }), 'TypeError'],
  ['a number that is not a code', foreign('TypeError', { code: 33_612_345_678 }), 'TypeError'],
])('logs only names and codes of a foreign error: %s', (_, cause, description) => {
  expect(toLogFields(new ConnectorError('publish.failed', 'publish', { cause })).causes).toEqual([description])
})

test('treats the parts of an AggregateError and suppressed errors as causes', () => {
  const aggregate = new AggregateError([foreign('Error', { code: 'ETIMEDOUT' }), foreign('RangeError', {})], 'Dupont')
  const suppressed = foreign('SuppressedError', { error: aggregate, suppressed: foreign('SyntaxError', {}) })
  const { causes } = toLogFields(new ConnectorError('source.unreachable', 'read page', { cause: suppressed }))
  expect(causes).toEqual(['SuppressedError', 'AggregateError', 'SyntaxError', 'Error ETIMEDOUT', 'RangeError'])
})

test('truncates a long chain of causes', () => {
  const deep = Array.from({ length: 50 }).reduce<Error>((cause) => new Error('Dupont', { cause }), new Error('Dupont'))
  expect(toLogFields(deep).causes).toHaveLength(10)
})

test('describes a bug by name and by file and line of its frames, without its message', () => {
  const fields = toLogFields(new TypeError("cannot read 'Dupont'\n    at Dupont (/home/dupont/dist/0612345678.js:1:2)"))
  expect(fields).toMatchObject({ code: 'bug', error: 'TypeError' })
  expect(fields.stack).toEqual(
    expect.arrayContaining([expect.stringMatching(/^test\/unit\/telemetry\/error-fields\.test\.ts:\d+:\d+$/)]),
  )
  expect(JSON.stringify(fields)).not.toMatch(/dupont|0612345678/i)
})

test('adds a stack only to a bug: the stack of its root cause', () => {
  expect(toLogFields(new ConnectorError('source.unreachable', 'read page'))).not.toHaveProperty('stack')
  const cause = Object.assign(new Error('x'), {
    stack: 'Error: x\n    at f (file:///app/dist/event/client-event.js:7:9)',
  })
  const wrapped = new Error('wrapped', { cause })
  expect(toLogFields(new ConnectorError('bug', 'event', { cause: wrapped })).stack).toEqual([
    'dist/event/client-event.js:7:9',
  ])
})

test.each(['Dupont', 612_345_678, null, undefined, { message: 'Dupont' }, ['Dupont']])(
  'describes any other thrown value as a bug without its content: %s',
  (thrown) => {
    const fields = toLogFields(thrown)
    expect(fields.code).toBe('bug')
    expect(JSON.stringify(fields)).not.toMatch(/dupont|612345678/i)
  },
)

test('describes an error whose properties throw', () => {
  const trap = new Proxy(new Error('Dupont'), {
    get: () => {
      throw new Error('Dupont')
    },
  })
  expect(toLogFields(trap)).toMatchObject({ code: 'bug', error: 'Error' })
})

test('describes an unexpected error on one line with its name and location, without its message', () => {
  const line = defectLine(new TypeError('Jeanne Planted\n    at /planted/test/secret.ts:1:1'))
  expect(line).toMatch(
    /^unexpected TypeError at test\/unit\/telemetry\/error-fields\.test\.ts:\d+:\d+; this is a defect of the connector$/,
  )
})
