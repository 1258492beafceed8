import type { ClientSource, Page, ReadArguments } from '../../../connector/source/client-source.ts'
import { beginAt } from '../stream/open/open-parts.ts'
import { pageOf, token } from './readings.ts'

/** A page, an error, or a function that returns a page. */
export type Answer = Page | Error | ((at: ReadArguments) => Promise<Page>)

/** Returns its answers one after another; after the last one it waits until it is stopped. Its backfill is empty. */
export function scriptedSource(answers: readonly Answer[]): ClientSource & { readonly asked: ReadArguments[] } {
  const asked: ReadArguments[] = []
  return {
    asked,
    read: async (at, stop) => {
      stop.throwIfAborted()
      if (at.lastChanged === beginAt) return pageOf([])
      const answer = answers[asked.length]
      asked.push({ lastChanged: at.lastChanged, checkPoint: at.checkPoint, limit: at.limit, output: at.output })
      if (answer instanceof Error) throw answer
      if (typeof answer === 'function') return await answer(at)
      if (answer !== undefined) return answer
      return await new Promise<never>((_resolve, reject) => {
        stop.addEventListener('abort', () => reject(stop.reason), { once: true })
      })
    },
  }
}

/** Pages of one client each, with `No` counting from `from`; `hasMoreResults` is true on all but the last. */
export function scanOf(pages: number, from = 1): Page[] {
  return Array.from({ length: pages }, (_, index) => {
    const number = from + index
    const isLast = index === pages - 1
    return pageOf([{ No: `${number}` }], { hasMoreResults: !isLast, checkPoint: token(`t${number}`) })
  })
}
