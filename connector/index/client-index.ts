import type { ClientTable } from './client-table.ts'
import { type ClientKey, type ContentKey, type IndexEntry, UNKNOWN_CONTENT } from './index-entry.ts'
import type { IndexState } from './index-state.ts'

/** What decides whether a client's content is unchanged. Stored as text beside the entries that were made with it. */
export interface ContentRules {
  /** Lower-case dotted paths of fields that take no part in the content hash. */
  readonly ignored: readonly string[]
  /** Lower-case dotted paths of fields that are lists, if any: the name of the wrapper of one item is no content. */
  readonly lists?: readonly string[] | undefined
  /** The text of the field rules, if any: dropped fields take no part in the content hash either. */
  readonly fields?: string | undefined
  /** Contents are of published data, with values hashed with this key: the index was made from the topic. */
  readonly hmacKeyId?: string | undefined
  /** What decides whether a client becomes a dead letter. */
  readonly limits: string
}

export function rulesText({ ignored, lists, fields, hmacKeyId, limits }: ContentRules): string {
  return JSON.stringify({ ignored: ignored.toSorted(), lists, fields, hmacKeyId, limits })
}

export function rulesOf(text: string): ContentRules {
  return JSON.parse(text)
}

/** `unknown`: the contents cannot be compared. */
export type Comparison = 'same' | 'other' | 'unknown'

/** The client index as the pipeline asks it: for each client, the content that was published last. */
export interface ClientIndex {
  get(key: ClientKey): IndexEntry | undefined
  /** Compares the content of an entry with that of the client. `contentUnder`: its content under other rules. */
  compare(entry: IndexEntry, content: ContentKey, contentUnder: (rules: ContentRules) => ContentKey): Comparison
  /** The number of the present rules. */
  readonly rules: number
  /** Stands for the previous event of a client without an entry. */
  readonly generation: number
}

/** `rules`: those that are in force, one of `state.rules`. */
export function clientIndex(
  table: Pick<ClientTable, 'get'>,
  state: Pick<IndexState, 'rules' | 'generation' | 'contentsFrom'>,
  rules: string,
): ClientIndex {
  const all = state.rules.map(rulesOf)
  const present = state.rules.indexOf(rules)
  const limits = all[present]?.limits
  return {
    get: table.get,
    compare: (entry, content, contentUnder) => {
      const isForgotten = entry.number < state.contentsFrom
      if (entry.content === UNKNOWN_CONTENT || isForgotten) return 'unknown'
      if (entry.rules === present) return entry.content === content ? 'same' : 'other'
      const made = all[entry.rules]
      if (made === undefined || (entry.isDeadLetter && made.limits !== limits)) return 'unknown'
      const then = contentUnder(made)
      if (then === UNKNOWN_CONTENT) return 'unknown'
      return entry.content === then ? 'same' : 'other'
    },
    rules: present,
    generation: state.generation,
  }
}
