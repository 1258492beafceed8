import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { load } from './requests.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs // Node does not detect these named exports of CommonJS

/**
 * Lets kafkajs read every codec that a topic (`compression.type`) or another producer may use; by itself it reads only
 * gzip. The connector itself writes gzip and zstd.
 */
export function registerCodecs(): void {
  const readingCodec = (decompress: (bytes: Buffer) => Promise<Uint8Array>) => () => ({
    compress: () => Promise.reject(new ConnectorError('bug', 'compress: this codec is only read')),
    decompress: async (bytes: Buffer) => Buffer.from(await decompress(bytes)),
  })
  const compress = promisify(zstdCompress)
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => compress(buffer),
    decompress: promisify(zstdDecompress),
  })
  CompressionCodecs[CompressionTypes.LZ4] = readingCodec(async (bytes) => lz4().decompress(bytes))
  CompressionCodecs[CompressionTypes.Snappy] = readingCodec(async (bytes) => decompressSnappy(bytes))
}

/** Both libraries are loaded with the first batch that needs them: lz4js takes 5 MB. */
const lz4 = (): { decompress(block: Uint8Array): Uint8Array } => load('lz4js')
const snappy = (): { uncompress(block: Uint8Array): Uint8Array } => load('snappyjs')

const SNAPPY_MAGIC = Buffer.from('\x82SNAPPY\x00', 'latin1')
/** The header consists of the magic and two version numbers. */
const SNAPPY_HEADER_BYTES = 16

/** Accepts a raw block, or the framing of Java's snappy library: a header, then blocks with their lengths. */
function decompressSnappy(bytes: Buffer): Uint8Array {
  const { uncompress } = snappy()
  if (!bytes.subarray(0, SNAPPY_MAGIC.length).equals(SNAPPY_MAGIC)) return uncompress(bytes)
  const blocks: Uint8Array[] = []
  for (let at = SNAPPY_HEADER_BYTES; at < bytes.length; ) {
    const end = at + 4 + bytes.readInt32BE(at)
    blocks.push(uncompress(bytes.subarray(at + 4, end)))
    at = end
  }
  return Buffer.concat(blocks)
}
