import { expect, test } from 'vitest'
import { noRequests, parseControl, serializeControl } from '../../../connector/control/control-document.ts'
import { requested } from '../../../connector/control/requests.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'

const paused = requested(
  noRequests,
  { kind: 'pause', stream: 'paris', reason: 'planted reason' },
  { id: '1', by: 'operator-1', at: 1 },
)

/** The error of parsing this text. */
function failure(text: string): ConnectorError {
  try {
    parseControl(text)
  } catch (error) {
    if (error instanceof ConnectorError) return error
    throw error
  }
  throw new Error('accepted')
}

test('a control document is parsed as it was serialized', () => {
  expect(paused && parseControl(serializeControl(paused))).toEqual(paused)
})

test.each([
  ['nothing', ''],
  ['half a document', serializeControl(noRequests).slice(0, 20)],
  ['a list', '[]'],
  ['a request without a kind', JSON.stringify({ ...noRequests, requests: [{ id: 'planted' }] })],
])('%s is damaged', (_, text) => {
  expect(failure(text).code).toBe('control.damaged')
})

test('a newer format is unknown, whatever else it contains', () => {
  expect(failure(JSON.stringify({ format: 2, requests: 'planted' }))).toMatchObject({
    code: 'control.unknown-format',
    message: 'read control object: format 2 is not supported, this version supports only format 1',
  })
})

test('the error about a damaged document does not quote it', () => {
  const text = JSON.stringify({ ...paused, nonce: 1 })
  expect(failure(text).message).toBe('read control object: invalid document at nonce')
})
