import type { ClientKey } from '../index/index-entry.ts'
import type { ClientRecord } from '../source/client-source.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'

/** Detects clients that every scan publishes again because a field changes all the time ("points today"). */
export interface RepeatWatch {
  nextScan(): void
  /**
   * Reports a client that is published again with different content. After too many consecutive scans, returns the
   * names of the fields that changed every time; each field name is returned once.
   */
  publishedAgain(key: ClientKey, client: ClientRecord): readonly string[] | undefined
}

interface Repeat {
  readonly scan: number
  readonly times: number
  readonly fields: ReadonlyMap<string, string>
  readonly changing: readonly string[]
}

const CONSECUTIVE_SCANS = 5
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
    publishedAgain: (key, client) => {
      const before = repeats.get(key)
      if (before?.scan === scan || (before === undefined && repeats.size >= MAX_CLIENTS)) return undefined
      const fields = new Map(Object.entries(client).map(([name, value]) => [name, sha256(canonicalJson(value))]))
      const changing = before === undefined ? [] : changedFields(before, fields)
      const times = (before?.times ?? 0) + 1
      repeats.set(key, { scan, times, fields, changing })
      const fresh = times >= CONSECUTIVE_SCANS ? changing.filter((name) => !warned.has(name)) : []
      for (const name of fresh) warned.add(name)
      return fresh.length > 0 ? fresh : undefined
    },
  }
}

/** The fields that differ from the last time and also differed every time before. */
function changedFields(before: Repeat, fields: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.fields.keys(), ...fields.keys()])
  const differ = [...names].filter((name) => before.fields.get(name) !== fields.get(name))
  return before.times === 1 ? differ : differ.filter((name) => before.changing.includes(name))
}
