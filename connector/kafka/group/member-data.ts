import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { SlotClaim } from '../../placement/assign-slots.ts'
import type { HashedSettings } from '../../placement/hashed-settings.ts'

/** What a replica tells the group about itself when it joins. */
export interface MemberData extends Pick<SlotClaim, 'held' | 'silentMs'> {
  readonly settings: HashedSettings
}

/** Compressed: Kafka stores the data of all members in one record of at most 1 MB. */
export function encodeMemberData(data: MemberData): Buffer {
  const { silentMs } = data // infinite for a new member
  return deflateRawSync(JSON.stringify({ ...data, silentMs: Math.min(silentMs, Number.MAX_SAFE_INTEGER) }))
}

const MAX_BYTES = 16 * 1024 * 1024

/** Undefined if the data have another format, such as those of another program in the group. */
export function decodeMemberData(bytes: Buffer): MemberData | undefined {
  try {
    const data: unknown = JSON.parse(inflateRawSync(bytes, { maxOutputLength: MAX_BYTES }).toString())
    return isMemberData(data) ? data : undefined
  } catch {
    return undefined
  }
}

function isMemberData(data: unknown): data is MemberData {
  const { held, silentMs, settings }: Partial<Record<keyof MemberData, unknown>> = Object(data)
  const isClaim = Array.isArray(held) && held.every(Number.isInteger) && typeof silentMs === 'number'
  return isClaim && isHashedSettings(settings)
}

function isHashedSettings(value: unknown): value is HashedSettings {
  const { shared, streams }: Partial<Record<keyof HashedSettings, unknown>> = Object(value)
  return isHashes(shared) && isMap(streams) && Object.values(streams).every(isHashes)
}

const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)
const isHashes = (value: unknown) => isMap(value) && Object.values(value).every((hash) => typeof hash === 'string')
