import { type ClientKey, type ContentKey, clientKey, contentKey } from '../index/index-entry.ts'
import type { ClientRecord } from '../source/client-source.ts'
import { canonicalJson, type IgnoredPaths, sha256, valueAt, without } from './canonical-json.ts'
import type { FieldMapping } from './field-mapping.ts'
import { type ModificationTime, modificationTime } from './modification-time.ts'

/** A client of a page, with what decides whether it is published. */
export interface ReadClient {
  readonly client: ClientRecord
  readonly id: ReturnType<typeof valueAt>
  readonly key: ClientKey
  /** The whole client, as canonical JSON. */
  readonly json: string
  /** Hash of the client without the ignored fields. */
  readonly contentHash: string
  readonly content: ContentKey
  /** Undefined if the field is not mapped, absent or not a time. */
  readonly modified: ModificationTime | undefined
}

export interface ReadingRules {
  readonly timeZone: string
  readonly ignored: IgnoredPaths
}

/** Returns a function that reads the clients of a page. */
export function clientReader(mapping: FieldMapping, rules: ReadingRules): (client: ClientRecord) => ReadClient {
  const idPath = mapping.clientId.split('.')
  const modifiedPath = mapping.modifiedAt?.split('.')
  return (client) => {
    const id = valueAt(client, idPath)
    const modifiedText = modifiedPath === undefined ? undefined : valueAt(client, modifiedPath)
    const json = canonicalJson(client)
    const hash = contentHash(client, json, rules.ignored)
    const key = clientKey(typeof id === 'string' ? id : hash)
    const modified = typeof modifiedText === 'string' ? modificationTime(modifiedText, rules.timeZone) : undefined
    return { client, id, key, json, contentHash: hash, content: contentKey(hash), modified }
  }
}

function contentHash(client: ClientRecord, json: string, ignored: IgnoredPaths): string {
  return sha256(ignored.size === 0 ? json : canonicalJson(without(client, ignored)))
}

/** The content of a client if these fields were ignored. */
export function contentIgnoring(
  { client, json }: Pick<ReadClient, 'client' | 'json'>,
  ignored: readonly string[],
): ContentKey {
  return contentKey(contentHash(client, json, new Set(ignored)))
}
