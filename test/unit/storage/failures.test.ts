import { expect, test } from 'vitest'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import { asStorageError } from '../../../connector/storage/file/file-system.ts'
import { s3Error, s3Failure } from '../../../connector/storage/s3/s3-failure.ts'

const sdkError = (name: string, httpStatusCode: number) =>
  Object.assign(new Error('planted secret'), { name, $metadata: { httpStatusCode, requestId: 'req-1' } })

const s3Failures: [string, unknown, string, string][] = [
  ['refused access', sdkError('AccessDenied', 403), 'storage.refused', '403 AccessDenied (request req-1)'],
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
    'missing credentials',
    Object.assign(new Error('planted'), { name: 'CredentialsProviderError' }),
    'storage.refused',
    'CredentialsProviderError',
  ],
  [
    'a response that cannot be parsed',
    Object.assign(new Error('planted'), { $response: { statusCode: 403 } }),
    'storage.refused',
    '403 Error',
  ],
  [
    'a code that is a sentence',
    sdkError('planted secret of a client', 500),
    'storage.unavailable',
    '500 unknown (request req-1)',
  ],
  ['an undefined error', undefined, 'storage.unavailable', 'unknown'],
]
test.each(s3Failures)('reports %s from S3 with status, code and request id only', (_what, thrown, code, detail) => {
  const error = s3Error('read s3://b/k', s3Failure(thrown))
  expect(codeOf(error)).toBe(code)
  expect(error.message).toBe(`read s3://b/k: ${detail}`)
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
test.each(fileFailures)('reports %s from the file system as %s, without the path', (code, expected) => {
  const error = asStorageError('write file k', Object.assign(new Error('open /secret/path'), { code }))
  expect(error).toMatchObject({ code: expected, message: `write file k: ${code}` })
  expect((error as Error).cause).toBeUndefined()
})

test('returns a ConnectorError or an error without a code unchanged', () => {
  const own = new ConnectorError('storage.unavailable', 'own')
  const defect = new TypeError('defect')
  expect(asStorageError('write', own)).toBe(own)
  expect(asStorageError('write', defect)).toBe(defect)
})
