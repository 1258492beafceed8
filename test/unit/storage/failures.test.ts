import { expect, test } from 'vitest'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import { asStorageError } from '../../../connector/storage/file-store.ts'
import { s3Error, s3Failure } from '../../../connector/storage/s3/s3-failure.ts'

// Errors are made as the SDK and the file system make them.

const sdkError = (name: string, httpStatusCode: number) =>
  Object.assign(new Error('planted secret'), { name, $metadata: { httpStatusCode, requestId: 'req-1' } })

const s3Failures: [string, unknown, string, string][] = [
  [
    'refused access',
    sdkError('AccessDenied', 403),
    'storage.refused',
    '403 AccessDenied (request req-1): the policy of the user, the role or the bucket does not allow it',
  ],
  [
    'a certificate that is not trusted',
    Object.assign(new Error('planted'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    'storage.unavailable',
    'the certificate is not trusted: set NODE_EXTRA_CA_CERTS to the file of its CA (DEPTH_ZERO_SELF_SIGNED_CERT)',
  ],
  [
    'a skewed clock',
    sdkError('RequestTimeTooSkewed', 403),
    'storage.unavailable',
    '403 RequestTimeTooSkewed (request req-1): check the bucket, the account and the clock',
  ],
  [
    'a response that cannot be parsed',
    Object.assign(new Error('planted'), { $response: { statusCode: 403 } }),
    'storage.refused',
    '403 Error: the response is not that of an S3 server: check AWS_ENDPOINT_URL_S3 and any proxy',
  ],
  [
    'a code that is a sentence',
    sdkError('planted secret of a client', 500),
    'storage.unavailable',
    '500 unknown (request req-1): check the status and the log of the store',
  ],
  [
    'an undefined error',
    undefined,
    'storage.unavailable',
    'unexpected failure: check the server and the network (unknown)',
  ],
]
test.each(s3Failures)('reports %s from S3 with status, code and request id only', (_what, thrown, code, detail) => {
  const error = s3Error('read s3://b/k', s3Failure(thrown))
  expect(codeOf(error)).toBe(code)
  expect(error.message).toBe(`read s3://b/k: ${detail}`)
  expect(error.cause).toBeUndefined()
})

const fileFailures: [string, string, string][] = [
  ['ENOSPC', 'storage.unavailable', 'ENOSPC: check the disk, its space and its mount'],
  ['EIO', 'storage.unavailable', 'EIO: check the disk, its space and its mount'],
  ['EACCES', 'storage.refused', 'EACCES: permission denied'],
  ['EROFS', 'storage.refused', 'EROFS: the file system is read-only'],
]
test.each(fileFailures)('reports %s from the file system as %s, with its meaning', (code, expected, detail) => {
  const error = asStorageError('write file /k', Object.assign(new Error('open /k'), { code }))
  expect(error).toMatchObject({ code: expected, message: `write file /k: ${detail}` })
  expect((error as Error).cause).toBeUndefined()
})

test('returns a ConnectorError or an error without a code unchanged', () => {
  const own = new ConnectorError('storage.unavailable', 'own')
  const defect = new TypeError('defect')
  expect(asStorageError('write', own)).toBe(own)
  expect(asStorageError('write', defect)).toBe(defect)
})
