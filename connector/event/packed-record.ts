import { free } from '../runtime/memory/free.ts'
import type { OutgoingRecord } from './client-event.ts'

/** A record as it is sent: its value in UTF-8. */
export interface PackedRecord extends Pick<OutgoingRecord, 'to' | 'key' | 'headers'> {
  readonly value: Buffer | null
}

const FIRST_BYTES = 4 * 1024
const MOST_BYTES = 256 * 1024

/**
 * The values of the records that are sent together, in a few blocks of memory. As texts, they would be copied by each
 * collection of garbage while they wait.
 */
export class RecordMemory {
  readonly #blocks: Buffer[] = []
  /** Of the last block. */
  #used = 0

  pack({ to, key, value, headers }: OutgoingRecord): PackedRecord {
    return { to, key, value: value === null ? null : this.#utf8(value), headers }
  }

  #utf8(text: string): Buffer {
    const block = this.#blockFor(text.length * 3)
    const from = this.#used
    this.#used += block.write(text, from)
    return block.subarray(from, this.#used)
  }

  #blockFor(bytes: number): Buffer {
    const last = this.#blocks.at(-1)
    if (last !== undefined && this.#used + bytes <= last.length) return last
    const size = last === undefined ? FIRST_BYTES : Math.min(2 * last.length, MOST_BYTES)
    const block = Buffer.allocUnsafeSlow(Math.max(size, bytes)) // only written bytes are read
    this.#blocks.push(block)
    this.#used = 0
    return block
  }

  /** Call it once the records are sent: their values are empty afterwards. */
  free(): void {
    for (const block of this.#blocks.splice(0)) free(block)
  }
}
