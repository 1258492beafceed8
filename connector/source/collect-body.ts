import type { Readable } from 'node:stream'
import { addAbortSignal } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ConnectorError } from '../runtime/connector-error.ts'

export interface CollectedBody {
  readonly body: Readable
  /** The `Content-Encoding` header. */
  readonly encoding: string | undefined
  /** Cap on the wire, and again unpacked. */
  readonly maxBytes: number
}

const unzip = promisify(gunzip)

/**
 * The whole body, unpacked. Throws `source.answer-too-large` above the cap, `source.answer-truncated` when a gzip body ends early or is
 * damaged, `source.timeout` when `finish` aborts, or what the stream throws.
 */
export async function collectBody(collected: CollectedBody, finish: AbortSignal): Promise<Buffer> {
  const { body, encoding = '', maxBytes } = collected
  const chunks: Buffer[] = []
  let bytes = 0
  addAbortSignal(finish, body)
  try {
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxBytes) throw tooLarge(maxBytes) // leaving the loop destroys the stream
      chunks.push(chunk)
    }
  } catch (error) {
    if (finish.aborted)
      throw new ConnectorError('source.timeout', `read answer: not whole in time, after ${bytes} bytes`)
    throw error
  }
  const [only = Buffer.alloc(0), ...others] = chunks
  return unpack(others.length === 0 ? only : Buffer.concat(chunks, bytes), {
    encoding: encoding.trim().toLowerCase(),
    maxBytes,
  })
}

const tooLarge = (maxBytes: number) =>
  new ConnectorError('source.answer-too-large', `read answer: more than ${maxBytes} bytes`)

async function unpack(bytes: Buffer, { encoding, maxBytes }: { encoding: string; maxBytes: number }): Promise<Buffer> {
  if (encoding === '' || encoding === 'identity') return bytes
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new ConnectorError('source.answer-malformed', 'read answer: a content encoding that was not asked for')
  }
  if (bytes.length === 0) return bytes
  try {
    return await unzip(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(maxBytes)
    throw new ConnectorError(
      'source.answer-truncated',
      `read answer: the ${bytes.length} bytes of gzip are cut or damaged`,
    )
  }
}
