import type { ClientRecord, ClientValue, WritableRecord } from './client-source.ts'

/** Builds a record with its fields in the order of canonical JSON. */
export class RecordBuilder {
  #names = FieldNames.none()
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
export class FieldNames {
  static #none = new FieldNames([])
  static #kept = 0

  readonly list: readonly string[]
  /** These names and one more; undefined: it is one of these. */
  readonly #longer = new Map<string, FieldNames | undefined>()
  #lastName: string | undefined
  #last: FieldNames | undefined
  #template: ClientRecord | undefined

  private constructor(list: readonly string[]) {
    this.list = list
  }

  static none(): FieldNames {
    return FieldNames.#none
  }

  /** Hot path: most records have the same names in the same order. */
  with(name: string): FieldNames | undefined {
    if (name === this.#lastName) return this.#last
    if (!this.#longer.has(name)) this.#longer.set(name, this.list.includes(name) ? undefined : this.#and(name))
    this.#lastName = name
    this.#last = this.#longer.get(name)
    return this.#last
  }

  #and(name: string): FieldNames {
    FieldNames.#kept += 1
    if (FieldNames.#kept > MOST_KEPT) {
      FieldNames.#none = new FieldNames([]) // forgets all
      FieldNames.#kept = 0
    }
    return new FieldNames([...this.list, name])
  }

  /** A record with empty fields, in the order of canonical JSON. */
  record(): WritableRecord {
    this.#template ??= templateOf(this.list)
    return { ...this.#template }
  }
}

const MOST_KEPT = 10_000

/** Parsed, so that `__proto__` is a field too. */
function templateOf(names: readonly string[]): ClientRecord {
  return JSON.parse(`{${names.toSorted().map((name) => `${JSON.stringify(name)}:""`)}}`)
}
