import { ownCopy } from '../runtime/memory/names.ts'
import type { ClientRecord, ClientValue, WritableRecord } from './client-source.ts'

/** Builds a record with its fields in the order of canonical JSON. */
export class RecordBuilder {
  #names = none
  readonly #values: ClientValue[] = []

  /** False: the record already has a field with this name. */
  add(name: string, value: ClientValue): boolean {
    const next = this.#names.with(name)
    if (next === undefined) return false
    this.#names = next
    this.#values.push(value)
    return true
  }

  get(name: string): ClientValue | undefined {
    return this.#values[this.names.indexOf(name)]
  }

  replace(name: string, value: ClientValue): void {
    this.#values[this.names.indexOf(name)] = value
  }

  get names(): readonly string[] {
    return this.#names.list
  }

  record(): ClientRecord {
    const record = this.#names.record()
    for (let at = 0; at < this.names.length; at += 1) record[this.names[at] as string] = this.#values[at] as ClientValue
    return record
  }
}

/**
 * The names of a record's fields, in the order in which they were added. Records with the same names are copies of one
 * template: V8 turns an object whose fields are set one by one into a hash table, several times as large and slow.
 */
class FieldNames {
  readonly list: readonly string[]
  /** These names and one more, by that one; `#next`: the last of them. */
  readonly #longer = new Map<string, FieldNames>()
  #next: FieldNames | undefined
  readonly #newest: string | undefined
  #template: ClientRecord | undefined

  constructor(list: readonly string[]) {
    this.list = list
    this.#newest = list.at(-1)
  }

  /** Undefined: the name is one of these. Hot path: most records have the same names in the same order. */
  with(name: string): FieldNames | undefined {
    const next = this.#next
    if (next !== undefined && name === next.#newest) return next
    const other = this.#longer.get(name) ?? this.#and(name)
    if (other !== undefined) this.#next = other
    return other
  }

  #and(name: string): FieldNames | undefined {
    if (this.list.includes(name)) return undefined
    const own = ownCopy(name)
    const longer = namesOf([...this.list, own])
    this.#longer.set(own, longer)
    return longer
  }

  /** A record with empty fields, in the order of canonical JSON. */
  record(): WritableRecord {
    this.#template ??= templateOf(this.list)
    return { ...this.#template }
  }
}

const MOST_KEPT = 10_000
let none = new FieldNames([])
let count = 0

function namesOf(list: readonly string[]): FieldNames {
  count += 1
  if (count > MOST_KEPT) {
    none = new FieldNames([]) // forgets all
    count = 0
  }
  return new FieldNames(list)
}

/** Parsed, so that `__proto__` is a field too. */
function templateOf(names: readonly string[]): ClientRecord {
  return JSON.parse(`{${names.toSorted().map((name) => `${JSON.stringify(name)}:""`)}}`)
}
