import type { ClientSource, Page, ReadArguments } from '../../../connector/source/client-source.ts'
import { pageOf, token } from './readings.ts'

/** An answer, an error, or what makes one when it is asked. */
export type Answer = Page | Error | ((at: ReadArguments) => Promise<Page>)

/** Gives its answers one after the other; after the last one it waits until it is stopped. */
export function scriptedSource(answers: readonly Answer[]): ClientSource & { readonly asked: ReadArguments[] } {
  const asked: ReadArguments[] = []
  return {
    asked,
    read: async (at, stop) => {
      stop.throwIfAborted()
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

/** Pages of one client each, `No` counted from `from` on; more is promised but by the last of a drain. */
export function drainOf(pages: number, from = 1): Page[] {
  return Array.from({ length: pages }, (_, index) => {
    const number = from + index
    const isLast = index === pages - 1
    return pageOf([{ No: `${number}` }], { hasMoreResults: !isLast, checkPoint: token(`t${number}`) })
  })
}
