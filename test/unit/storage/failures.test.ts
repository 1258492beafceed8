import { expect, test } from 'vitest'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import { asStorageError } from '../../../connector/storage/file-failure.ts'
import { s3Error, s3Failure } from '../../../connector/storage/s3-failure.ts'

const sdkError = (name: string, httpStatusCode: number) =>
  Object.assign(new Error('planted secret'), { name, $metadata: { httpStatusCode, requestId: 'req-1' } })

const s3Failures: [string, unknown, string, string][] = [
  ['a refused access', sdkError('AccessDenied', 403), 'storage.refused', '403 AccessDenied (request req-1)'],
  [
    'a skewed clock',
    sdkError('RequestTimeTooSkewed', 403),
    'storage.unavailable',
    '403 RequestTimeTooSkewed (request req-1)',
  ],
  ['a conflict', sdkError('OperationAborted', 409), 'storage.unavailable', '409 OperationAborted (request req-1)'],
  [
    'a broken connection',
    Object.assign(new Error('planted'), { code: 'ECONNRESET' }),
    'storage.unavailable',
    'ECONNRESET',
  ],
  ['a timeout', Object.assign(new Error('planted'), { name: 'TimeoutError' }), 'storage.unavailable', 'TimeoutError'],
  [
    'no credentials',
    Object.assign(new Error('planted'), { name: 'CredentialsProviderError' }),
    'storage.refused',
    'CredentialsProviderError',
  ],
  [
    'an answer that cannot be parsed',
    Object.assign(new Error('planted'), { $response: { statusCode: 403 } }),
    'storage.refused',
    '403 Error',
  ],
  [
    'a code that is a text',
    sdkError('planted secret of a client', 500),
    'storage.unavailable',
    '500 unknown (request req-1)',
  ],
  ['something else thrown', undefined, 'storage.unavailable', 'unknown'],
]
test.each(s3Failures)('%s of S3 is told by status, code and request id alone', (_what, thrown, code, told) => {
  const error = s3Error('read s3://b/k', s3Failure(thrown))
  expect(codeOf(error)).toBe(code)
  expect(error.message).toBe(`read s3://b/k: ${told}`)
  expect(error.cause).toBeUndefined()
})

const fileFailures: [string, string][] = [
  ['ENOSPC', 'storage.unavailable'],
  ['EIO', 'storage.unavailable'],
  ['EDQUOT', 'storage.unavailable'],
  ['EACCES', 'storage.refused'],
  ['EROFS', 'storage.refused'],
  ['EPERM', 'storage.refused'],
]
test.each(fileFailures)('%s of the file system is %s, told without its path', (code, expected) => {
  const error = asStorageError('write file k', Object.assign(new Error('open /secret/path'), { code }))
  expect(error).toMatchObject({ code: expected, message: `write file k: ${code}` })
  expect((error as Error).cause).toBeUndefined()
})

test('an error of the connector and a defect stay what they are', () => {
  const own = new ConnectorError('storage.unavailable', 'own')
  const defect = new TypeError('defect')
  expect(asStorageError('write', own)).toBe(own)
  expect(asStorageError('write', defect)).toBe(defect)
})
