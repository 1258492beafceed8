import { expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { toLogFields } from '../../../connector/telemetry/error-fields.ts'

const foreign = (name: string, props: object) => Object.assign(new Error('Jean Dupont, 0612345678'), { name }, props)

test('an error of ours is told by code, message and hint', () => {
  expect(toLogFields(new ConnectorError('source.timeout', 'read page: no answer within 30 s'))).toEqual({
    code: 'source.timeout',
    error: 'source.timeout: read page: no answer within 30 s',
    hint: errorCatalogue['source.timeout'].hint,
  })
})

test('causes are told by kind and codes, nearest first, our own with their message', () => {
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
  ['TLS: the code of OpenSSL', foreign('Error', { code: 'CERT_HAS_EXPIRED' }), 'Error CERT_HAS_EXPIRED'],
  ['a timeout', new DOMException('late: Dupont', 'TimeoutError'), 'TimeoutError'],
  ['a name that is none', foreign('Jean Dupont', {}), 'Error'],
  ['a code that is none', foreign('TypeError', { code: 'DUPONT' }), 'TypeError'],
  ['a number that is no code', foreign('TypeError', { code: 33_612_345_678 }), 'TypeError'],
])('of a foreign error passes only what has the form of a code: %s', (_, cause, told) => {
  expect(toLogFields(new ConnectorError('publish.failed', 'publish', { cause })).causes).toEqual([told])
})

test('the parts of an AggregateError and what was suppressed count as causes', () => {
  const aggregate = new AggregateError([foreign('Error', { code: 'ETIMEDOUT' }), foreign('RangeError', {})], 'Dupont')
  const suppressed = foreign('SuppressedError', { error: aggregate, suppressed: foreign('SyntaxError', {}) })
  const { causes } = toLogFields(new ConnectorError('source.unreachable', 'read page', { cause: suppressed }))
  expect(causes).toEqual(['SuppressedError', 'AggregateError', 'SyntaxError', 'Error ETIMEDOUT', 'RangeError'])
})

test('a circle of causes ends', () => {
  const [one, other] = [foreign('TypeError', {}), foreign('RangeError', {})]
  Object.assign(one, { cause: other })
  Object.assign(other, { cause: one })
  expect(toLogFields(one).causes).toEqual(['RangeError'])
})

test('a long chain of causes is cut', () => {
  const deep = Array.from({ length: 50 }).reduce<Error>((cause) => new Error('Dupont', { cause }), new Error('Dupont'))
  expect(toLogFields(deep).causes).toHaveLength(10)
})

test('a bug is told by its kind and by file and line of its frames, without its message', () => {
  const told = toLogFields(new TypeError("cannot read 'Dupont'\n    at Dupont (/home/dupont/dist/0612345678.js:1:2)"))
  expect(told).toMatchObject({ code: 'bug', error: 'TypeError' })
  expect(told.stack).toEqual(
    expect.arrayContaining([expect.stringMatching(/^test\/unit\/telemetry\/error-fields\.test\.ts:\d+:\d+$/)]),
  )
  expect(JSON.stringify(told)).not.toMatch(/dupont|0612345678/i)
})

test('a bug whose message was changed afterwards does not tell the first one either', () => {
  const error = new Error('Dupont\n  at home')
  error.message = 'other'
  expect(JSON.stringify(toLogFields(error))).not.toMatch(/dupont|home|other/i)
  expect(toLogFields(error).stack).not.toEqual([])
})

test('only a bug has a stack: of what caused it first, when it has causes', () => {
  expect(toLogFields(new ConnectorError('source.timeout', 'read page'))).not.toHaveProperty('stack')
  const cause = Object.assign(new Error('x'), {
    stack: 'Error: x\n    at f (file:///app/dist/event/client-event.js:7:9)',
  })
  const wrapped = new Error('wrapped', { cause })
  expect(toLogFields(new ConnectorError('bug', 'event', { cause: wrapped })).stack).toEqual([
    'dist/event/client-event.js:7:9',
  ])
})

test.each(['Dupont', 612_345_678, null, undefined, { message: 'Dupont' }, ['Dupont']])(
  'whatever else is thrown is a bug without content: %s',
  (thrown) => {
    const told = toLogFields(thrown)
    expect(told.code).toBe('bug')
    expect(JSON.stringify(told)).not.toMatch(/dupont|612345678/i)
  },
)

test('an error whose properties throw is told all the same', () => {
  const trap = new Proxy(new Error('Dupont'), {
    get: () => {
      throw new Error('Dupont')
    },
  })
  expect(toLogFields(trap)).toMatchObject({ code: 'bug', error: 'Error' })
})
