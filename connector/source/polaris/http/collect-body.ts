import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ConnectorError } from '../../../runtime/connector-error.ts'

interface CollectedBody {
  readonly body: Readable
  /** The server, for messages. */
  readonly from: string
  /** The `Content-Encoding` header. */
  readonly encoding: string | undefined
  /** Limit of the decompressed size. */
  readonly maxBytes: number
}

/**
 * Reads and decompresses the whole body. Throws `source.answer-too-large` above the limit, `source.answer-malformed` if
 * a gzip body ends early or is damaged, or what the stream throws.
 */
export async function collectBody({ body, from, encoding = '', maxBytes }: CollectedBody): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of decompressed(body, encoding.trim().toLowerCase(), from)) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new ConnectorError('source.answer-too-large', `read response from ${from}: more than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    body.destroy() // also if it was not read
    throw isOfZlib(error)
      ? new ConnectorError(
          'source.answer-malformed',
          `read response from ${from}: the gzip body is truncated or damaged after ${bytes} bytes`,
        )
      : error
  }
  return Buffer.concat(chunks)
}

const isOfZlib = (error: unknown) =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')

function decompressed(body: Readable, encoding: string, from: string): AsyncIterable<Buffer> {
  switch (encoding) {
    case '':
    case 'identity':
      return body
    case 'gzip':
    case 'x-gzip':
      // The reader of the last stream gets the error.
      return pipeline(body, createGunzip(), () => undefined)
    default:
      throw new ConnectorError(
        'source.answer-malformed',
        `read response from ${from}: its content encoding was not requested, only gzip`,
      )
  }
}
