import { addAbortSignal, pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ConnectorError } from '../../../runtime/connector-error.ts'

interface CollectedBody {
  readonly body: Readable
  /** The server, for messages. */
  readonly from: string
  /** The `Content-Encoding` header. */
  readonly encoding: string | undefined
  /** Limit of the compressed and of the decompressed size. */
  readonly maxBytes: number
}

/**
 * Reads and decompresses the whole body. Throws `source.answer-too-large` above the limit, `source.answer-truncated` if
 * a gzip body ends early or is damaged, `source.timeout` when `finish` aborts, or what the stream throws.
 */
export async function collectBody(collected: CollectedBody, finish: AbortSignal): Promise<Buffer> {
  const { body, from, maxBytes } = collected
  const chunks: Buffer[] = []
  let bytes = 0
  addAbortSignal(finish, body)
  try {
    for await (const chunk of decompressed(collected)) {
      bytes += chunk.length
      if (bytes > maxBytes) throw tooLarge(collected) // leaving the loop destroys the stream
      chunks.push(chunk)
    }
  } catch (error) {
    if (finish.aborted)
      throw new ConnectorError(
        'source.timeout',
        `read response from ${from}: not complete in time, after ${bytes} bytes`,
      )
    throw isOfZlib(error)
      ? new ConnectorError(
          'source.answer-truncated',
          `read response from ${from}: the gzip body is truncated or damaged after ${bytes} bytes`,
        )
      : error
  }
  return Buffer.concat(chunks)
}

const tooLarge = ({ from, maxBytes }: Pick<CollectedBody, 'from' | 'maxBytes'>) =>
  new ConnectorError('source.answer-too-large', `read response from ${from}: more than ${maxBytes} bytes`)

const isOfZlib = (error: unknown) =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')

const GUNZIPPED_BYTES = 64 * 1024

function decompressed(collected: CollectedBody): AsyncIterable<Buffer> {
  const { body, from, encoding = '' } = collected
  switch (encoding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return body
    case 'gzip':
    case 'x-gzip': {
      const atMost = (chunks: AsyncIterable<Buffer>) => limited(chunks, collected)
      // The reader of the last stream gets the error.
      return pipeline(body, atMost, createGunzip({ chunkSize: GUNZIPPED_BYTES }), () => undefined)
    }
    default:
      throw new ConnectorError(
        'source.answer-malformed',
        `read response from ${from}: the content encoding ${shown(encoding)} was not requested, only gzip`,
      )
  }
}

/** Invariant 8: only what has the form of a name. */
const shown = (encoding: string) => (/^[\w.-]{1,20}$/.test(encoding.trim()) ? encoding.trim() : '(not shown)')

async function* limited(
  chunks: AsyncIterable<Buffer>,
  collected: Pick<CollectedBody, 'from' | 'maxBytes'>,
): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > collected.maxBytes) throw tooLarge(collected)
    yield chunk
  }
}
