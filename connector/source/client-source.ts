import type { Brand } from '../runtime/compiler-checks.ts'

/** The API's opaque token: only stored verbatim, compared for equality, and sent back with its original arguments. */
export type CheckPoint = Brand<string, 'CheckPoint'>

/** Wall-clock text in the server's zone, `YYYY-MM-DDTHH:mm:ss`. Comparable as text; an instant only with the zone. */
export type SourceTime = Brand<string, 'SourceTime'>
export const sourceTimePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/

export type OutputFormat = 'xml' | 'json'

/** The arguments of one read. Within a scan, only `checkPoint` changes. */
export interface ReadArguments {
  readonly lastChanged: SourceTime
  readonly checkPoint: CheckPoint | null
  readonly limit: number
  readonly output: OutputFormat
}

/** A client as the source returned it. Every leaf is its original text; null, nil and the minimum date are absent. */
export interface ClientRecord {
  readonly [field: string]: ClientValue
}
export type ClientValue = string | ClientRecord | readonly ClientValue[]

export const isList = (value: ClientValue): value is readonly ClientValue[] => Array.isArray(value)

export type ClientField = readonly [name: string, value: ClientValue]

const byName = ([one]: ClientField, [other]: ClientField) => (one < other ? -1 : one === other ? 0 : 1)

/**
 * Makes a record with these fields, in the order of canonical JSON. Any name is a field of its own, also `__proto__`.
 * It is made at once: V8 would turn an object whose fields are set one by one into a hash table, several times as
 * large. Without a prototype, records take a tenth more CPU for each client.
 */
export function recordOf(fields: readonly ClientField[]): ClientRecord {
  return Object.fromEntries(fields.toSorted(byName))
}

/** The text of an element with attributes is a field of this name beside them. */
export const TEXT_FIELD = '#text'

/** A read, and what is known about its response. */
export interface PageRequest extends ReadArguments {
  /** The names from the page down to the clients, from earlier responses; undefined: not known. */
  readonly clientsPath?: readonly string[] | undefined
}

/** One complete, well-formed response. */
export interface Page {
  readonly clients: readonly ClientRecord[]
  /** It is false on the last page of a scan; nothing else ends a scan. */
  readonly hasMoreResults: boolean
  /** The token in the response; it is null if absent, nil or empty. */
  readonly checkPoint: CheckPoint | null
  /**
   * The clients were found here, by the names from the root down, and later pages have them here, too. It is absent if
   * that is not certain, or the source does not tell.
   */
  readonly path?: readonly string[] | undefined
  /** How the response was read. It is absent if the source does not tell. */
  readonly layout?: PageLayout
  /** Time of the response by the server's clock (`Date` header, whole seconds), ms since 1970; undefined without it. */
  readonly serverTime: number | undefined
  /** The response was complete so many milliseconds after the request was sent. */
  readonly tookMs: number
  /** Size of the decoded body. */
  readonly bytes: number
}

/** Where a response has its parts, as names from the root down. */
export interface PageLayout {
  readonly flag: readonly string[]
  /** It is undefined if the response has none. */
  readonly token: readonly string[] | undefined
  /** The list of clients, which may be empty. It is undefined if the response has none. */
  readonly clients: readonly string[] | undefined
  /** The objects and lists that are no part of the page, and why. */
  readonly disregarded: readonly { readonly path: readonly string[]; readonly why: string }[]
}

export interface ClientSource {
  /**
   * Reads one page, without retries. Waits for the response until `stop` aborts. Rejects with the reason of `stop`, or
   * with a `ConnectorError` `source.*`. An empty page is a valid result. Invariant 9: rejects unless the response is a
   * complete, well-formed page.
   */
  read(at: PageRequest, stop: AbortSignal): Promise<Page>
}

/** Returns the name of a field for an error message. Invariant 8: a key that is no plain name can be personal. */
export const shownName = (name: string) => (/^[\p{L}_$][\p{L}\p{M}\w.-]{0,63}$/u.test(name) ? name : '(not shown)')

export const shownPath = (path: readonly string[]) => path.map(shownName).join('.')

/** What a source reports. Contains no personal data and no secrets. */
export type SourceEvent =
  /** The server responded to a request, whatever it was. */
  | { readonly kind: 'response-received'; readonly status: number }
  /** References to characters that XML forbids, and their escapes in JSON, were decoded to U+FFFD. */
  | { readonly kind: 'characters-replaced'; readonly characters: number }

export type ObserveSource = (event: SourceEvent) => void
