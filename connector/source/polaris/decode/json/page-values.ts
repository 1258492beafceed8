import { ConnectorError } from '../../../../runtime/connector-error.ts'
import { FLAG, TOKEN } from '../page-names.ts'
import { valueAfter } from './json-text.ts'

/** Finds a flag or token that has two values in the same object. */
interface PageValues {
  /** To be called for each string outside of lists. Throws `source.answer-malformed`. */
  add(start: number, end: number, depth: number): void
  /** An object begins. */
  open(depth: number): void
}

/** A page is the root, or in up to three objects. */
const DEEPEST_PAGE = 4

/** `JSON.parse` would keep the last one of several values. */
export function pageValues(text: string): PageValues {
  const values = new Map<string, string>()
  return {
    add: (start, end, depth) => {
      const length = end - start - 1
      if ((length !== FLAG.length && length !== TOKEN.length) || depth > DEEPEST_PAGE) return
      const name = text.slice(start + 1, end).toLowerCase()
      const value = name === FLAG || name === TOKEN ? valueAfter(text, end + 1) : undefined
      if (value === undefined) return
      const place = `${depth} ${name}`
      const known = values.get(place)
      if (known !== undefined && known !== value) throw repeated(name)
      values.set(place, value)
    },
    open: (depth) => {
      for (const name of [FLAG, TOKEN]) values.delete(`${depth} ${name}`)
    },
  }
}

const repeated = (name: string) =>
  new ConnectorError(
    'source.answer-malformed',
    `decode page: ${name === FLAG ? 'hasMoreResults' : 'checkPoint'} occurs more than once, with different values`,
  )
