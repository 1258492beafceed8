import type { ClientKey, ContentKey } from '../index/index-entry.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'
import type { ReadClient } from './read-client.ts'

/**
 * Detects clients that scan after scan publishes again without a real change: their modification time stays the same
 * ("points today"), or their contents alternate (two machines that do not agree). A busy client is none of them.
 */
export interface RepeatWatch {
  nextScan(): void
  /**
   * Reports a client that is published again with different content. Returns the names of the fields that changed every
   * time, without that of the modification time; each name is returned once.
   */
  publishedAgain(client: RepeatedClient, timeField: string | null | undefined): readonly string[] | undefined
}

type RepeatedClient = Pick<ReadClient, 'key' | 'client' | 'content' | 'modified'>

interface Repeat {
  readonly scan: number
  readonly times: number
  /** How many of the last times were no real change. */
  readonly doubtful: number
  readonly modifiedAt: number | undefined
  readonly contents: readonly ContentKey[]
  readonly fields: ReadonlyMap<string, string>
  readonly changing: readonly string[]
}

const CONSECUTIVE_SCANS = 5
const DOUBTFUL_SCANS = 3
const MAX_CLIENTS = 50

export function repeatWatch(): RepeatWatch {
  const repeats = new Map<ClientKey, Repeat>()
  const warned = new Set<string>()
  let scan = 0
  return {
    nextScan: () => {
      scan += 1
      for (const [client, repeat] of repeats) if (repeat.scan < scan - 1) repeats.delete(client)
    },
    publishedAgain: (client, timeField) => {
      const before = repeats.get(client.key)
      if (before?.scan === scan || (before === undefined && repeats.size >= MAX_CLIENTS)) return undefined
      const repeat = repeatAfter(before, client, scan)
      repeats.set(client.key, repeat)
      if (repeat.times < CONSECUTIVE_SCANS || repeat.doubtful < DOUBTFUL_SCANS) return undefined
      const timeName = timeField?.split('.')[0]
      const fresh = repeat.changing.filter((name) => name !== timeName && !warned.has(name))
      for (const name of fresh) warned.add(name)
      return fresh.length > 0 ? fresh : undefined
    },
  }
}

function repeatAfter(before: Repeat | undefined, { client, content, modified }: RepeatedClient, scan: number): Repeat {
  const fields = new Map(Object.entries(client).map(([name, value]) => [name, sha256(canonicalJson(value))]))
  // Of a date without a time of day, several real changes a day have the same.
  const modifiedAt = modified?.hasTimeOfDay === true ? modified.instant : undefined
  const first = { scan, times: 1, doubtful: 0, modifiedAt, contents: [content], fields, changing: [] }
  if (before === undefined) return first
  const isSameTime = modifiedAt !== undefined && modifiedAt === before.modifiedAt
  return {
    ...first,
    times: before.times + 1,
    doubtful: isSameTime || before.contents.includes(content) ? before.doubtful + 1 : 0,
    contents: [...before.contents, content].slice(-CONSECUTIVE_SCANS),
    changing: changedFields(before, fields),
  }
}

/** The fields that differ from the last time and also differed every time before. */
function changedFields(before: Repeat, fields: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.fields.keys(), ...fields.keys()])
  const differ = [...names].filter((name) => before.fields.get(name) !== fields.get(name))
  return before.times === 1 ? differ : differ.filter((name) => before.changing.includes(name))
}
