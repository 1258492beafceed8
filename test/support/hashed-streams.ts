import type { HashedSettings } from '../../connector/placement/hashed-settings.ts'

/** A configuration of these streams, which differs from another one only by their names. */
export function hashedStreams(...names: readonly string[]): HashedSettings {
  return { shared: {}, streams: Object.fromEntries(names.map((name) => [name, {}])) }
}
