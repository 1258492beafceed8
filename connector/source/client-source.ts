import type { Brand } from '../runtime/brand.ts'

/** The API's opaque token: kept verbatim, compared for equality, sent back with the arguments it came with. Nothing else. */
export type CheckPoint = Brand<string, 'CheckPoint'>

/** Wall-clock text in the server's zone, `YYYY-MM-DDTHH:mm:ss`, no offset. May be compared as text; an instant only with a zone. */
export type SourceTime = Brand<string, 'SourceTime'>

export type OutputFormat = 'xml' | 'json'

/** The arguments of one read; those of a drain stay the same but for `checkPoint`. */
export interface ReadArguments {
  readonly lastChanged: SourceTime
  readonly checkPoint: CheckPoint | null
  readonly limit: number
  readonly output: OutputFormat
}

/** A client as the source gave it: every leaf is its own text; what was null, nil or the minimum date is absent. */
export interface ClientRecord {
  readonly [field: string]: ClientValue
}
export type ClientValue = string | ClientRecord | readonly ClientValue[]

/** One complete, well-formed answer. */
export interface Page {
  readonly clients: readonly ClientRecord[]
  /** Only this flag ends a drain. */
  readonly hasMoreResults: boolean
  /** The answer's token; null when absent, nil or empty. */
  readonly checkPoint: CheckPoint | null
  /** The server's clock (`Date` header, whole seconds, ms since 1970) when it answered; undefined without the header. */
  readonly serverTime: number | undefined
  /** Milliseconds from sending the request to the complete answer. */
  readonly tookMs: number
  /** Size of the decoded body. */
  readonly bytes: number
}

/** Where pages come from. */
export interface ClientSource {
  /**
   * Reads one page. Waits for the answer, with retries where the wrapper adds them, until `stop` aborts (rejects with its reason).
   * Throws `ConnectorError` `source.*`. An empty page is an answer like any other. Invariant 9: whatever is not a complete,
   * well-formed page is thrown.
   */
  read(at: ReadArguments, stop: AbortSignal): Promise<Page>
}
