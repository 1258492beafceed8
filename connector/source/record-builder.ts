import type { ClientRecord, ClientValue, WritableRecord } from './client-source.ts'

/**
 * Builds a record with its fields in the order of canonical JSON. Records with the same names are copies of one
 * template: V8 turns an object whose fields are set one by one into a hash table, which is several times as large and slow.
 */
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
    return this.#values[this.#names.list.indexOf(name)]
  }

  replace(name: string, value: ClientValue): void {
    this.#values[this.#names.list.indexOf(name)] = value
  }

  get names(): readonly string[] {
    return this.#names.list
  }

  record(): ClientRecord {
    return this.#names.record(this.#values)
  }
}

/** The names of the fields of records, in the order in which they were added. */
class Names {
  readonly list: readonly string[]
  /** These names and one more; undefined: it is one of these. */
  readonly #longer = new Map<string, Names | undefined>()
  #lastName: string | undefined
  #last: Names | undefined
  #template: ClientRecord | undefined

  constructor(list: readonly string[]) {
    this.list = list
  }

  /** Hot path: most records have the same names in the same order. */
  with(name: string): Names | undefined {
    if (name === this.#lastName) return this.#last
    if (!this.#longer.has(name)) this.#longer.set(name, this.list.includes(name) ? undefined : added(this.list, name))
    this.#lastName = name
    this.#last = this.#longer.get(name)
    return this.#last
  }

  /** Hot path. */
  record(values: readonly ClientValue[]): ClientRecord {
    this.#template ??= templateOf(this.list)
    const record: WritableRecord = { ...this.#template }
    for (let at = 0; at < values.length; at += 1) record[this.list[at] as string] = values[at] as ClientValue
    return record
  }
}

const MOST_LISTS = 10_000
let none = new Names([])
let lists = 0

function added(list: readonly string[], name: string): Names {
  lists += 1
  if (lists > MOST_LISTS) {
    none = new Names([]) // forgets all
    lists = 0
  }
  return new Names([...list, name])
}

/** Parsed, so that `__proto__` is a field too. */
function templateOf(names: readonly string[]): ClientRecord {
  return JSON.parse(`{${names.toSorted().map((name) => `${JSON.stringify(name)}:""`)}}`)
}
