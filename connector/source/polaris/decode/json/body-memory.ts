import { free } from '../../../../runtime/memory/free.ts'

const FIRST_BYTES = 64 * 1024

/** Gathers a body that arrives in parts: each part is garbage at once. */
export class BodyMemory {
  #memory = new ArrayBuffer(0)
  #length = 0

  add(bytes: Buffer): void {
    const length = this.#length + bytes.length
    const size = this.#memory.byteLength
    if (length > size) this.#memory = this.#memory.transfer(Math.max(length, 2 * size, FIRST_BYTES))
    bytes.copy(Buffer.from(this.#memory), this.#length)
    this.#length = length
  }

  /** The bytes so far, valid until `free`. */
  bytes(): Buffer {
    return Buffer.from(this.#memory, 0, this.#length)
  }

  free(): void {
    free(Buffer.from(this.#memory))
  }
}
