import { type ClientKey, type ContentKey, highWord, lowWord } from '../../index/index-entry.ts'

/** Pages in a row with nothing but clients that their scan had already returned: then the server returns a cycle. */
const MAX_REPEATED_PAGES = 100

/**
 * Finds a server that returns the same clients again and again under new tokens. In memory only: a restart clears it.
 */
export interface ReturnedClients {
  add(key: ClientKey, content: ContentKey): void
  /** Ends a page; says whether the scan returns a cycle. */
  endPage(): 'fine' | 'cycling'
}

/**
 * A Bloom filter, grown by filters twice as large: 16 bits a client and four hashes, so that one of some 400 is taken
 * for returned.
 */
const FIRST_CLIENTS = 4_096
const BITS_PER_CLIENT = 16
const HASHES = 4

export function returnedClients(): ReturnedClients {
  const filters = [filterOf(FIRST_CLIENTS)]
  let isRepeated = true
  let isEmpty = true
  let repeatedPages = 0
  return {
    add: (key, content) => {
      isEmpty = false
      const first = highWord(key) ^ highWord(content)
      const second = (lowWord(key) ^ lowWord(content)) | 1
      for (const filter of filters) if (has(filter, first, second)) return
      isRepeated = false
      const newest = filters.at(-1) as Filter
      set(newest, first, second)
      newest.free -= 1
      if (newest.free === 0) filters.push(filterOf((newest.bits.length * 32 * 2) / BITS_PER_CLIENT))
    },
    endPage: () => {
      repeatedPages = isEmpty ? repeatedPages : isRepeated ? repeatedPages + 1 : 0
      isRepeated = true
      isEmpty = true
      return repeatedPages >= MAX_REPEATED_PAGES ? 'cycling' : 'fine'
    },
  }
}

interface Filter {
  readonly bits: Uint32Array
  free: number
}

const filterOf = (clients: number): Filter => ({
  bits: new Uint32Array((clients * BITS_PER_CLIENT) / 32),
  free: clients,
})

/** Place of a bit: both halves of the hash, combined. The number of bits is a power of two. */
function place({ bits }: Filter, first: number, second: number, at: number): number {
  return (first + Math.imul(at, second)) & (bits.length * 32 - 1)
}

function has(filter: Filter, first: number, second: number): boolean {
  for (let at = 0; at < HASHES; at += 1) {
    const bit = place(filter, first, second, at)
    if (((filter.bits[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false
  }
  return true
}

function set(filter: Filter, first: number, second: number): void {
  for (let at = 0; at < HASHES; at += 1) {
    const bit = place(filter, first, second, at)
    filter.bits[bit >>> 5] = (filter.bits[bit >>> 5] as number) | (1 << (bit & 31))
  }
}
