import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ConnectorError } from '../../../runtime/connector-error.ts'

/**
 * Reads and decompresses the whole body of a response of the server `from`. Throws `source.answer-too-large` above
 * `maxBytes` of either size, `source.answer-malformed` if the body is not complete gzip, or what the stream throws.
 */
export async function collectBody(response: IncomingMessage, from: string, maxBytes: number): Promise<Buffer> {
  const bodyError = (code: 'source.answer-too-large' | 'source.answer-malformed', what: string) =>
    new ConnectorError(code, `read response from ${from}: ${what}`)
  const tooLargeError = () => bodyError('source.answer-too-large', `more than ${maxBytes} bytes`)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLargeError()
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  const encoding = response.headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity') return body
  if (!/^(?:x-)?gzip$/.test(encoding))
    throw bodyError('source.answer-malformed', 'its content encoding was not requested, only gzip')
  try {
    return await promisify(gunzip)(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if (error instanceof RangeError) throw tooLargeError()
    throw bodyError('source.answer-malformed', `the gzip body is truncated or damaged after ${bytes} bytes`)
  }
}
