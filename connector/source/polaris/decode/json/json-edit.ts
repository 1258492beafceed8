import { isAscii } from 'node:buffer'
import { MAX_NODES, tooManyNodes } from '../page-limits.ts'

/** Two for each node. */
const MAX_INSERTED = 2 * MAX_NODES

/** How many bytes were inserted and characters replaced up to a place. */
interface EditMark {
  readonly inserted: number
  readonly replaced: number
}

/** Changes a JSON document in UTF-8, from its beginning to its end. */
export class JsonEdit {
  readonly #body: Buffer
  /** Bytes to insert, and their places. */
  readonly #inserted: number[] = []
  readonly #places: number[] = []
  #replaced = 0
  #isChanged = false

  constructor(body: Buffer) {
    this.#body = body
  }

  get inserted(): number {
    return this.#places.length
  }

  get replaced(): number {
    return this.#replaced
  }

  /** Throws `source.answer-too-large` after too many. */
  insert(place: number, byte: number): void {
    if (this.#places.length === MAX_INSERTED) throw tooManyNodes()
    this.#isChanged = true
    this.#places.push(place)
    this.#inserted.push(byte)
  }

  /** Replaces an escape of two characters by U+FFFD. */
  replaceShortEscape(at: number): void {
    this.#body[at] = 0xef
    this.#body[at + 1] = 0xbf
    this.insert(at + 2, 0xbd)
    this.#replaced += 1
  }

  /** Replaces an escape such as `\u0000` by U+FFFD. */
  replaceEscape(at: number): void {
    this.#isChanged = true
    this.#body.write('fffd', at + 2, 'latin1')
    this.#replaced += 1
  }

  /** Replaces what follows the place, up to `end`, by a text in ASCII that is not longer, and blanks. */
  replaceFrom(place: number, { inserted, replaced }: EditMark, text: string, end: number): void {
    this.#isChanged = true
    this.#places.length = inserted
    this.#inserted.length = inserted
    this.#replaced = replaced
    const written = this.#body.write(text, place, 'latin1')
    this.#body.fill(' ', place + written, end)
  }

  /** `before`: the document with a character for each byte. */
  text(before: string): string {
    const body = this.#body
    const places = this.#places
    if (!this.#isChanged && isAscii(body)) return before
    if (places.length === 0) return body.toString()
    const whole = Buffer.allocUnsafe(body.length + places.length)
    let from = 0
    for (let count = 0; count < places.length; count += 1) {
      const place = places[count] ?? 0
      body.copy(whole, from + count, from, place)
      whole[place + count] = this.#inserted[count] ?? 0
      from = place
    }
    body.copy(whole, from + places.length, from)
    return whole.toString()
  }
}
