import { createHash } from 'node:crypto'
import { fieldHash } from '../event/field-hash.ts'
import type { HashedSettings } from '../placement/hashed-settings.ts'
import type { Settings } from './config-schema.ts'
import { describeConfig } from './describe-config.ts'

/** What may differ between replicas, because it depends on their machine or network. All else must be equal. */
const local = [
  ...['log', 'http', 'kafka.brokers', 'kafka.ssl', 'kafka.sasl', 'checkpoint.region', 'checkpoint.maxIndexMemory'],
  ...['streams.polaris.tls', 'streams.polaris.proxy'],
]

/**
 * For comparing the configurations of replicas. Invariant 8: of a secret, only whether it is set; of the key of HMACs,
 * the id that events publish anyway.
 */
export function hashedSettings(settings: Settings): HashedSettings {
  const shared: Record<string, string> = {}
  const streams = settings.streams.map(({ name }) => ({ name, hashes: {} as Record<string, string> }))
  for (const [path, value] of Object.entries(describeConfig(settings))) {
    const [, index, ofStream] = /^streams\[(\d+)\]\.(.+)$/.exec(path) ?? []
    if (isLocal(ofStream === undefined ? path : `streams.${ofStream}`)) continue
    const hashes = index === undefined ? shared : streams[Number(index)]?.hashes
    if (hashes !== undefined) hashes[ofStream ?? path] = hashOf(value)
  }
  for (const [index, { event }] of settings.streams.entries()) {
    const hashes = streams[index]?.hashes
    if (hashes !== undefined && event.hmacKey !== undefined)
      hashes['event.hmacKey'] = hashOf(fieldHash(event.hmacKey.reveal()).keyId)
  }
  return { shared, streams: Object.fromEntries(streams.map(({ name, hashes }) => [name, hashes])) }
}

const isLocal = (path: string) => local.some((section) => path === section || path.startsWith(`${section}.`))

/** Short: the group stores the hashes of all settings and replicas. */
function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 6)
}
