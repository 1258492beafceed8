import { type ClientKey, type ContentKey, clientKey, contentKey } from '../index/index-entry.ts'
import type { ClientRecord, ClientValue } from '../source/client-source.ts'
import { canonicalJson, collapsedValue, type IgnoredPaths, sha256, valueAt, withoutPaths } from './canonical-json.ts'
import { type FieldHash, type FieldRules, minimiser } from './fields/field-rules.ts'
import { type FieldTypes, fieldTyper } from './fields/field-types.ts'
import { listShaper } from './list-shapes.ts'
import { type ModificationTime, modificationTime } from './modification-time.ts'
import type { FieldMapping } from './page-mapping.ts'

/** A client of a page as it would be published, with what decides whether it is. */
export interface ReadClient {
  readonly id: ClientValue | undefined
  readonly key: ClientKey
  /**
   * Canonical JSON of the client without the dropped fields, with the HMAC of others, with lists and types of fields.
   */
  readonly json: string
  /** The hash of this JSON without the ignored fields. */
  readonly contentHash: string
  readonly content: ContentKey
  /** It is undefined if the field is not mapped, absent or not a time. */
  readonly modified: ModificationTime | undefined
}

/**
 * These rules say what an event contains of a client, and whether a client has changed. If they change, clients that
 * are read again may be published once more.
 */
export interface ReadingRules {
  readonly timeZone: string
  readonly ignored: IgnoredPaths
  /** Paths of the fields that are configured as lists. */
  readonly lists: readonly string[]
  /** Without rules for fields, events contain whole clients. */
  readonly fields: FieldRules | undefined
  readonly hmac?: FieldHash | undefined
  /** Without types of fields, every value is published as text. */
  readonly types?: FieldTypes | undefined
}

/**
 * Whether the value identifies a client. U+FFFD replaces what could not be decoded: such ids may be of several clients.
 */
export function isClientId(value: ClientValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\ufffd')
}

/**
 * Returns the ids that differ from another one in white space or case only, in groups. They are different clients, but
 * subscribers may join them. `all` is called twice, and may return an id several times. Pure.
 */
export function similarIds(all: () => Iterable<string>): (readonly string[])[] {
  const groups = new Map<string, Set<string>>()
  for (const id of all()) {
    const folded = id.replaceAll(/\s/g, '').toLowerCase()
    // Most ids stay as they are, and need no memory here.
    if (folded !== id) groups.set(folded, (groups.get(folded) ?? new Set()).add(id))
  }
  for (const id of all()) groups.get(id)?.add(id)
  return Array.from(groups.values(), (group) => [...group]).filter(({ length }) => length > 1)
}

/** Returns a function that reads the clients of a page. `lists`: those that were found in pages. */
export function clientReader(
  mapping: FieldMapping,
  lists: readonly string[],
  rules: ReadingRules,
): (client: ClientRecord) => ReadClient {
  const idPath = mapping.clientId.split('.')
  const modifiedPath = mapping.modifiedAt?.split('.')
  const published = publishedForm(rules, lists)
  return (client) => {
    const id = valueAt(client, idPath)
    const modifiedText = modifiedPath === undefined ? undefined : valueAt(client, modifiedPath)
    const data = published(client)
    const json = canonicalJson(data)
    const contentHash = rules.ignored.size === 0 ? sha256(json) : hashOf(data, rules.ignored)
    const key = clientKey(isClientId(id) ? id : contentHash)
    const modified = typeof modifiedText === 'string' ? modificationTime(modifiedText, rules.timeZone) : undefined
    return { id, key, json, contentHash, content: contentKey(contentHash), modified }
  }
}

function publishedForm({ lists, fields, hmac, types }: ReadingRules, found: readonly string[]) {
  const inShape = listShaper([...lists, ...found])
  const minimised = fields === undefined ? (client: ClientRecord) => client : minimiser(fields, hmac)
  const withTypes = types === undefined ? (client: ClientRecord) => client : fieldTyper(types)
  return (client: ClientRecord) => withTypes(minimised(inShape(client)))
}

const hashOf = (data: ClientRecord, ignored: IgnoredPaths) => sha256(canonicalJson(withoutPaths(data, ignored)))

/**
 * Returns what an audit compares of a client in an event or as it would be published, with the numbers of its JSON as
 * `rawJson`. It does not depend on what was known as a list when the client was read: a rule may keep an empty list,
 * and drop the empty element in its place.
 */
export const comparedContent = (data: ClientRecord, ignored: IgnoredPaths): ContentKey =>
  contentKey(sha256(canonicalJson(collapsedValue(withoutPaths(data, ignored), 'left out'))))
