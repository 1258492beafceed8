import type { ClientRecord } from '../source/client-source.ts'
import { canonicalJson } from './canonical-json.ts'
import { sha256 } from './fingerprint.ts'

/** Finds clients that every overlap publishes again because some field never keeps still ("points today"). */
export interface RepeatWatch {
  nextDrain(): void
  /** A client that the window knew with other content. Returns the names of the fields that change each time, once it happened too often. */
  publishedAgain(clientHash: string, client: ClientRecord): readonly string[] | undefined
}

interface Repeat {
  readonly drain: number
  readonly times: number
  readonly fields: ReadonlyMap<string, string>
  readonly changing: readonly string[]
}

const DRAINS_RUNNING = 5
const CLIENTS_WATCHED = 50

export function repeatWatch(): RepeatWatch {
  const repeats = new Map<string, Repeat>()
  const warned = new Set<string>()
  let drain = 0
  return {
    nextDrain: () => {
      drain += 1
      for (const [client, repeat] of repeats) if (repeat.drain < drain - 1) repeats.delete(client)
    },
    publishedAgain: (clientHash, client) => {
      const before = repeats.get(clientHash)
      if (before?.drain === drain || (before === undefined && repeats.size >= CLIENTS_WATCHED)) return undefined
      const fields = new Map(Object.entries(client).map(([name, value]) => [name, sha256(canonicalJson(value))]))
      const changing = before === undefined ? [] : changedFields(before, fields)
      const times = (before?.times ?? 0) + 1
      repeats.set(clientHash, { drain, times, fields, changing })
      const fresh = times >= DRAINS_RUNNING ? changing.filter((name) => !warned.has(name)) : []
      for (const name of fresh) warned.add(name)
      return fresh.length > 0 ? fresh : undefined
    },
  }
}

/** The fields that differ from the last time, and did each time before. */
function changedFields(before: Repeat, fields: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.fields.keys(), ...fields.keys()])
  const differ = [...names].filter((name) => before.fields.get(name) !== fields.get(name))
  return before.times === 1 ? differ : differ.filter((name) => before.changing.includes(name))
}
