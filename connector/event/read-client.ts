import { type ContentRules, rulesText } from '../index/client-index.ts'
import { type ClientKey, type ContentKey, clientKey, contentKey, UNKNOWN_CONTENT } from '../index/index-entry.ts'
import type { ClientRecord, ClientValue } from '../source/client-source.ts'
import { canonicalJson, type IgnoredPaths, sha256, valueAt, without } from './canonical-json.ts'
import type { FieldMapping } from './fields/field-mapping.ts'
import type { FieldHash } from './fields/field-rules.ts'
import { beforeHmac, type FieldRules, fieldRulesOf, fieldRulesText } from './fields/field-rules.ts'
import { type FieldTypes, typedJson } from './fields/field-types.ts'
import { minimiser } from './fields/minimise.ts'
import { withoutShape, withoutSingleLists } from './hashed-form.ts'
import { listShaper } from './list-shapes.ts'
import { type ModificationTime, modificationTime } from './modification-time.ts'

/** A client of a page, with what decides whether it is published. */
export interface ReadClient {
  /** As read: never leaves the process. */
  readonly client: ClientRecord
  readonly id: ClientValue | undefined
  readonly key: ClientKey
  /** Of the client without the dropped and the ignored fields, before any HMAC: a new key changes no content. */
  readonly content: ContentKey
  /** Undefined if the field is not mapped, absent or not a time. */
  readonly modified: ModificationTime | undefined
  published(): PublishedData
}

interface PublishedData {
  /** Canonical JSON of the client without the dropped fields, with the HMAC of others, and with the types of fields. */
  readonly json: string
  /** Hash of this data as text, without the ignored fields. It cannot be used to test guesses of hashed values. */
  readonly contentHash: string
  /** The same for any shape of lists, for the event id. */
  shapelessHash(): string
}

export interface ReadingRules {
  readonly timeZone: string
  readonly ignored: IgnoredPaths
  /** Paths of the fields that are lists; absent: none is known. */
  readonly lists?: readonly string[] | undefined
  /** Undefined: events contain whole clients. */
  readonly fields: FieldRules | undefined
  readonly hmac?: FieldHash | undefined
  /** Undefined: every value is published as text. */
  readonly types?: FieldTypes | undefined
}

/** Whether the value identifies a client. U+FFFD replaces what could not be decoded: such ids may be of several clients. */
export function isClientId(value: ClientValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\ufffd')
}

/** Returns a function that reads the clients of a page. */
export function clientReader(mapping: FieldMapping, rules: ReadingRules): (client: ClientRecord) => ReadClient {
  const idPath = mapping.clientId.split('.')
  const modifiedPath = mapping.modifiedAt?.split('.')
  const inShape = listShaper(rules.lists ?? [])
  const readContent = contentReader(rules)
  return (client) => {
    const id = valueAt(client, idPath)
    const modifiedText = modifiedPath === undefined ? undefined : valueAt(client, modifiedPath)
    const shaped = inShape(client)
    const { contentHash: hash, published } = readContent(shaped)
    // Without an id, as read: the lists do not decide which client it is.
    const key = clientKey(isClientId(id) ? id : shaped === client ? hash : readContent(client).contentHash)
    const modified = typeof modifiedText === 'string' ? modificationTime(modifiedText, rules.timeZone) : undefined
    return { client, id, key, content: contentKey(hash), modified, published }
  }
}

function contentReader({ ignored, fields, hmac, types }: ReadingRules) {
  const asPublished = (data: ClientRecord, text: PublishedData) =>
    types === undefined ? text : { ...text, json: typedJson(data, types) }
  if (fields === undefined)
    return (client: ClientRecord) => {
      const whole = publishedData(client, ignored)
      return { contentHash: whole.contentHash, published: () => asPublished(client, whole) }
    }
  const counted = beforeHmac(fields)
  const forHash = counted === undefined ? (client: ClientRecord) => client : minimiser(counted, undefined)
  const forEvent = minimiser(fields, hmac)
  return (client: ClientRecord) => ({
    contentHash: contentHash(forHash(client), ignored),
    published: () => {
      const data = forEvent(client)
      return asPublished(data, publishedData(data, ignored))
    },
  })
}

function publishedData(data: ClientRecord, ignored: IgnoredPaths): PublishedData {
  const json = canonicalJson(data)
  const counted = countedForm(data, ignored)
  const contentHash = sha256(counted === data ? json : canonicalJson(counted))
  const shapelessHash = () => {
    const shapeless = withoutShape(counted)
    return shapeless === counted ? contentHash : sha256(canonicalJson(shapeless))
  }
  return { json, contentHash, shapelessHash }
}

/** The content of a client as published, of any shape of its lists, and the hash of it that a dead letter has. */
export function publishedContents(client: Pick<ReadClient, 'published'>) {
  const { contentHash, shapelessHash } = client.published()
  return { content: contentKey(shapelessHash()), contentHash }
}

/** The same content, of the client in an event. */
export function contentPublished(data: ClientRecord, ignored: IgnoredPaths): ContentKey {
  return contentKey(sha256(canonicalJson(withoutShape(countedForm(data, ignored)))))
}

/** What a content hash counts: the record itself if that is all of it. */
const countedForm = (data: ClientRecord, ignored: IgnoredPaths) => withoutSingleLists(without(data, ignored))

const contentHash = (data: ClientRecord, ignored: IgnoredPaths) => sha256(canonicalJson(countedForm(data, ignored)))

/** The text of the rules for the client index. Fewer and shorter fields, too, may turn dead letters into events. */
export function presentRules({ ignored, fields }: Omit<ReadingRules, 'timeZone'>, limits: string): string {
  if (fields === undefined) return rulesText({ ignored: [...ignored], limits })
  const counted = beforeHmac(fields)
  return rulesText({
    ignored: [...ignored],
    fields: counted && fieldRulesText(counted),
    limits: `${limits} ${fieldRulesText(fields)}`,
  })
}

/** The content of a client under the rules of an index entry; unknown if they name another HMAC key. */
export function contentUnder(
  client: ClientRecord,
  { ignored, lists, fields, hmacKeyId }: Omit<ContentRules, 'limits'>,
  { hmac }: Pick<ReadingRules, 'hmac'> = {},
): ContentKey {
  if (hmacKeyId !== undefined && hmacKeyId !== hmac?.keyId) return UNKNOWN_CONTENT
  const inShape = listShaper(lists ?? [])(client)
  const counted = fields === undefined ? inShape : minimiser(fieldRulesOf(fields), hmac)(inShape)
  return contentKey(contentHash(counted, new Set(ignored)))
}
